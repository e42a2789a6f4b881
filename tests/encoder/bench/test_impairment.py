"""When bytes get through a bad network: the plain arithmetic, by a seed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.bench.impairment import Impairment, Outage, resumption, timeline
from protocol.errors import UsageError

BYTES = 1000.0
seconds = st.floats(0, 20, allow_nan=False)


def test_a_constant_rate_takes_size_over_rate() -> None:
    line = timeline(Impairment(rate=8 * BYTES))
    assert line.finish(-3.0, 500) == pytest.approx(-2.5)
    assert line.finish(2.0, 3000) == pytest.approx(5.0)
    assert timeline(Impairment()).finish(2.0, 1 << 30) == 2.0


def test_a_piece_that_meets_a_step_of_the_rate_takes_both() -> None:
    line = timeline(Impairment(rate=((0, 8 * BYTES), (2, 16 * BYTES), (3, 0), (4, 8 * BYTES))))
    assert line.finish(1.0, 1500) == pytest.approx(2.25)
    assert line.finish(2.5, 2000) == pytest.approx(5.0)
    assert [line.rate_at(t) for t in (-1, 0, 2, 3, 9)] == [1000, 1000, 2000, 0, 1000]


def test_nothing_passes_in_an_outage_and_never_where_the_rate_ends_at_zero() -> None:
    line = timeline(Impairment(rate=8 * BYTES, outages=(Outage(1, 3, "silent"), Outage(2, 4, "reset"))))
    assert line.finish(0.5, 1000) == pytest.approx(4.5)
    assert math.isinf(timeline(Impairment(rate=0)).finish(0, 1))


def test_a_lossy_phase_freezes_for_moments_and_the_seed_says_when() -> None:
    lossy = Impairment(rate=8e6, outages=(Outage(10, 30, "lossy"),), seed=3)
    line = timeline(lossy)
    assert line == timeline(lossy)
    assert line != timeline(lossy, direction=1)
    assert line != timeline(Impairment(rate=8e6, outages=lossy.outages, seed=4))
    assert line.finish(0, 1_000_000) == pytest.approx(1.0) and line.finish(40, 1_000_000) == pytest.approx(41.0)
    assert 1.05 < line.finish(10, 10_000_000) / 20 < 1.6
    freezes = [b - a for a, b, rate in zip(line.times, line.times[1:], line.rates, strict=False) if not rate]
    assert 15 < len(freezes) < 60 and max(freezes) <= 0.4


@given(st.lists(st.tuples(seconds, st.floats(8, 1e6)), min_size=1), seconds, st.integers(1, 10**6), st.data())
def test_two_pieces_take_as_long_as_both_in_one(
    steps: list[tuple[float, float]], start: float, size: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, size))
    line = timeline(Impairment(rate=tuple(steps), outages=(Outage(3, 5, "lossy"), Outage(7, 9, "silent"))))
    assert line.finish(line.finish(start, first), size - first) == pytest.approx(line.finish(start, size))


def test_an_old_connection_notices_late_that_a_silent_outage_is_over() -> None:
    cable = Impairment(outages=(Outage(10, 15, "silent"),))
    assert resumption(cable, now=9.0, opened=0.0) == 9.0
    assert resumption(cable, now=12.0, opened=0.0) == pytest.approx(10 + 0.2 * 31)
    assert resumption(cable, now=15.0, opened=0.0) == 15.0
    assert resumption(cable, now=14.5, opened=14.5) == pytest.approx(15.5)
    assert resumption(cable, now=11.0, opened=11.0) == pytest.approx(18.0)


@pytest.mark.parametrize(
    "wrong", [{"rate": -1.0}, {"rate": ()}, {"delay_s": -0.1}, {"outages": (Outage(3, 2, "reset"),)}]
)
def test_a_network_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="; give"):
        Impairment(**wrong)  # type: ignore[arg-type]
