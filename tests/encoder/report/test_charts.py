"""Points, bars and dots lie where their values say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.report import bars, line_chart
from encoder.report.axis import round_axis, whole_axis
from encoder.report.bars import Bar, dot, legend, stacked_bars
from encoder.report.line_chart import Series, thinned
from tests.encoder.report.reports import parsed

# The plot: x from 66 to 702, y from 222 (low) up to 14 (high).
X = whole_axis("Frame", 0, 4)
Y = round_axis("dB", 20.0, 24.0, least=1.0)


def _svg(markup: str):
    (svg,) = parsed(markup.encode()).all("svg")
    return svg


def test_a_curve_is_to_scale():
    series = Series(((0.0, 20.0), (2.0, 22.0), (4.0, 24.0)))
    svg = _svg(line_chart.line_chart([series], x=X, y=Y, title="PSNR <over> time", borders=[1.5]))
    assert svg.attributes["viewbox"] == "0 0 720 270"
    (curve,) = svg.all("polyline")
    assert curve.attributes == {"points": "66,222 384,118 702,14", "class": "curve first"}
    (border,) = svg.all("line", "border")
    assert [border.attributes[key] for key in ("x1", "y1", "x2", "y2")] == ["304.5", "14", "304.5", "222"]
    texts = [text.text for text in svg.all("text")]
    assert texts == ["20", "21", "22", "23", "24", "0", "1", "2", "3", "4", "Frame", "dB"]
    assert svg.all("title")[0].text == "PSNR <over> time" and not svg.all("circle")


def test_points_with_labels_are_dots():
    series = Series(((0.0, 20.0), (4.0, 24.0)), style="second", labels=("low", "a name of more than 24 characters"))
    svg = _svg(line_chart.line_chart([series], x=X, y=Y, title=""))
    dots = [(dot.attributes["cx"], dot.attributes["cy"], dot.attributes["class"]) for dot in svg.all("circle")]
    assert dots == [("66", "222", "dot second"), ("702", "14", "dot second")]
    *_, first, second = svg.all("text")
    assert (first.text, first.attributes["x"], first.attributes["text-anchor"]) == ("low", "75", "start")
    assert (second.text, second.attributes["x"], second.attributes["text-anchor"]) == (
        "a name of more than 24 \u2026",
        "693",
        "end",
    )


def test_many_borders_do_not_hide_the_curve():
    svg = _svg(line_chart.line_chart([], x=whole_axis("", 0, 400), y=Y, title="", borders=range(1, 100)))
    lines = svg.all("line", "border")
    assert len(lines) == 99 and {line.attributes["y1"] for line in lines} == {"214"}


@given(st.lists(st.floats(0, 100), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_the_extremes(values, most):
    points = tuple((float(i), value) for i, value in enumerate(values))
    kept = thinned(points, most)
    assert len(kept) <= max(most, 2) and set(kept) <= set(points) and list(kept) == sorted(kept)
    assert min(y for _, y in kept) == min(values) and max(y for _, y in kept) == max(values)
    assert kept == points or len(points) > most


def test_bars_are_to_scale():
    svg = _svg(stacked_bars([Bar("full", (300.0, 100.0), "4 kbit"), Bar("<low>", (100.0, 0.0), "1 kbit")], title="t"))
    rects = [[rect.attributes[key] for key in ("x", "width", "class")] for rect in svg.all("rect")]
    assert rects == [["110", "375", "kind0"], ["485", "125", "kind1"], ["110", "125", "kind0"], ["235", "0", "kind1"]]
    assert svg.attributes["viewbox"] == f"0 0 720 {2 * bars.ROW}"
    texts = [(text.text, text.attributes["x"]) for text in svg.all("text")]
    assert texts == [("full", "100"), ("4 kbit", "620"), ("<low>", "100"), ("1 kbit", "245")]


@pytest.mark.parametrize(("value", "x"), [(20.0, "6"), (22.0, "80"), (24.0, "154")])
def test_a_dot_is_to_scale(value, x):
    assert _svg(dot(Y, value)).all("circle")[0].attributes["cx"] == x


def test_a_legend_names_each_style():
    page = parsed(legend(["a<", "b"], ["kind0", "kind1"]).encode())
    assert [item.text for item in page.all("li")] == ["a<", "b"]
    assert [key.attributes["class"] for key in page.all("span")] == ["key kind0", "key kind1"]
