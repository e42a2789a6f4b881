"""Axes begin and end where they should, with round ticks in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.report.axis import round_axis, whole_axis


@pytest.mark.parametrize(
    ("low", "high", "ticks", "texts"),
    [
        (0.0, 4.3, (0, 1, 2, 3, 4, 5), "0 1 2 3 4 5"),
        (19.0, 19.9, (19.0, 19.2, 19.4, 19.6, 19.8, 20.0), "19.0 19.2 19.4 19.6 19.8 20.0"),
        (16.87, 22.92, (16, 18, 20, 22, 24), "16 18 20 22 24"),
        (0.0, 0.3, (0.0, 0.1, 0.2, 0.3), "0.0 0.1 0.2 0.3"),
        (0.0, 430.0, (0, 100, 200, 300, 400, 500), "0 100 200 300 400 500"),
        (25.0, 25.0, (24.94, 24.96, 24.98, 25.0, 25.02, 25.04, 25.06), "24.94 24.96 24.98 25.00 25.02 25.04 25.06"),
    ],
)
def test_round_axes(low, high, ticks, texts):
    axis = round_axis("dB", low, high, least=0.1)
    assert axis.ticks == pytest.approx(ticks)
    assert " ".join(axis.text(tick) for tick in axis.ticks) == texts
    assert (axis.low, axis.high) == (pytest.approx(ticks[0]), pytest.approx(ticks[-1]))


@given(st.floats(-100, 100), st.floats(0, 1e4), st.integers(2, 10))
def test_a_round_axis_holds_its_values(low, span, count):
    axis = round_axis("", low, low + span, least=0.5, count=count)
    assert axis.low <= low + 1e-5 and axis.high >= low + span - 1e-5
    assert axis.high - axis.low >= 0.5 - 1e-6
    assert 2 <= len(axis.ticks) <= count + 3
    assert len({axis.text(tick) for tick in axis.ticks}) == len(axis.ticks)


def test_whole_axes():
    assert whole_axis("Frame", 0, 8).ticks == tuple(range(9))
    axis = whole_axis("Frame", 3, 299)
    assert axis.ticks == (50, 100, 150, 200, 250) and (axis.low, axis.high) == (3, 299)
    assert [axis.share(v) for v in (3, 151, 299)] == [0.0, 0.5, 1.0]
    assert whole_axis("Frame", 5, 5).ticks == (5, 6)
