"""Curves as SVG. Their colours come from the page's style, which knows light from dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoder.report.axis import Axis
from encoder.report.markup import Markup, element, number, shortened

WIDTH, HEIGHT = 720, 270
LEFT, RIGHT, TOP, BOTTOM = 66, 18, 14, 48  # margins of the plot
_MOST_POINTS = 1200  # of a curve; a screen shows no more
_MOST_LINES = 60  # more borders are ticks at the bottom, or they would hide the curve
_LABEL = 24  # characters


@dataclass(frozen=True)
class Series:
    """A curve.

    Attributes:
        points: x and y, x increasing.
        style: class of the page's style: "first" or "second".
        labels: of the points, which then are dots; or empty.
    """

    points: tuple[tuple[float, float], ...]
    style: str = "first"
    labels: tuple[str, ...] = ()


def line_chart(series: Sequence[Series], *, x: Axis, y: Axis, title: str, borders: Sequence[float] = ()) -> Markup:
    """Curves over one another; the last is on top.

    Args:
        title: for who cannot see it.
        borders: values of x at which thin vertical lines stand.
    """
    short = len(borders) > _MOST_LINES
    top = HEIGHT - BOTTOM - 8 if short else TOP
    lines = [_line(_x(x, at), top, _x(x, at), HEIGHT - BOTTOM, "border") for at in borders]
    svg = element(
        "svg",
        element("title", title),
        *_axes(x, y),
        *lines,
        *(part for one in series for part in _curve(one, x, y)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
    )
    return element("div", svg, class_="wide chart")


def thinned(points: Sequence[tuple[float, float]], most: int) -> tuple[tuple[float, float], ...]:
    """At most `most` points, of each stretch the lowest and the highest, so that no dip is lost."""
    if len(points) <= most:
        return tuple(points)
    stretches = most // 2
    kept: list[tuple[float, float]] = []
    for number_ in range(stretches):
        start, end = (n * len(points) // stretches for n in (number_, number_ + 1))
        stretch = range(start, end)
        ends = {min(stretch, key=lambda i: points[i][1]), max(stretch, key=lambda i: points[i][1])}
        kept += [points[i] for i in sorted(ends)]
    return tuple(kept)


def _axes(x: Axis, y: Axis) -> list[Markup]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tick in y.ticks:
        at = _y(y, tick)
        parts += [_line(LEFT, at, right, at, "grid"), _text(LEFT - 8, at + 4, y.text(tick), "end")]
    for tick in x.ticks:
        at = _x(x, tick)
        parts += [_line(at, bottom, at, bottom + 5, "axis"), _text(at, bottom + 19, x.text(tick), "middle")]
    middle = (TOP + bottom) / 2
    return [
        *parts,
        _line(LEFT, bottom, right, bottom, "axis"),
        _text((LEFT + right) / 2, HEIGHT - 8, x.label, "middle"),
        element("text", y.label, transform=f"translate(14 {number(middle)}) rotate(-90)", text_anchor="middle"),
    ]


def _curve(series: Series, x: Axis, y: Axis) -> list[Markup]:
    points = thinned(series.points, _MOST_POINTS)
    places = [(_x(x, a), _y(y, b)) for a, b in points]
    line = " ".join(f"{number(a)},{number(b)}" for a, b in places)
    parts = [element("polyline", points=line, class_=f"curve {series.style}")]
    for (a, b), label in zip(places, series.labels, strict=False):
        beside, anchor = (-9, "end") if a > LEFT + 0.8 * (WIDTH - LEFT - RIGHT) else (9, "start")
        parts.append(element("circle", cx=a, cy=b, r=4, class_=f"dot {series.style}"))
        parts.append(_text(a + beside, b + 17, shortened(label, _LABEL), anchor))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=style)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)
