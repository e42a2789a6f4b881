"""Bars and dots as SVG: shares of a whole, places on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoder.report.axis import Axis
from encoder.report.markup import Markup, element, shortened

WIDTH = 720
LEFT, RIGHT = 110, 110  # for what a bar is called and what it amounts to
ROW, BAR = 34, 20
_LABEL = 15  # characters
DOT_WIDTH, DOT_HEIGHT = 160, 16
DOT_MARGIN = 6


@dataclass(frozen=True)
class Bar:
    """What it is called, its parts in the order of the page's styles kind0, kind1 ..., and the sum in words."""

    label: str
    parts: tuple[float, ...]
    total: str


def stacked_bars(bars: Sequence[Bar], *, title: str) -> Markup:
    """Bars below one another on one scale that begins at 0."""
    longest = max(sum(bar.parts) for bar in bars) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / longest
    parts: list[Markup] = []
    for row, bar in enumerate(bars):
        top, at = row * ROW + (ROW - BAR) / 2, float(LEFT)
        middle = top + BAR / 2 + 4
        parts.append(element("text", shortened(bar.label, _LABEL), x=LEFT - 10, y=middle, text_anchor="end"))
        for kind, part in enumerate(bar.parts):
            parts.append(element("rect", x=at, y=top, width=part * scale, height=BAR, class_=f"kind{kind}"))
            at += part * scale
        parts.append(element("text", bar.total, x=at + 10, y=middle))
    size = f"0 0 {WIDTH} {len(bars) * ROW}"
    return element(
        "div", element("svg", element("title", title), *parts, viewBox=size, role="img"), class_="wide chart"
    )


def dot(axis: Axis, value: float) -> Markup:
    """The place of one value on a scale that need not begin at 0, for a cell of a table."""
    middle = DOT_HEIGHT / 2
    at = DOT_MARGIN + axis.share(value) * (DOT_WIDTH - 2 * DOT_MARGIN)
    return element(
        "svg",
        element("line", x1=DOT_MARGIN, y1=middle, x2=DOT_WIDTH - DOT_MARGIN, y2=middle, class_="grid"),
        element("circle", cx=at, cy=middle, r=5, class_="dot first"),
        viewBox=f"0 0 {DOT_WIDTH} {DOT_HEIGHT}",
        class_="place",
        aria_hidden="true",
    )


def legend(names: Sequence[str], styles: Sequence[str]) -> Markup:
    """What each colour stands for."""
    return element(
        "ul",
        *(
            element("li", element("span", class_=f"key {style}"), name)
            for name, style in zip(names, styles, strict=True)
        ),
        class_="legend",
    )
