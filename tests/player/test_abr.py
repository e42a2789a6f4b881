"""The choice of rungs: exact means, down at once, up after lasting headroom, and a machine that is too slow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.abr import AbrConfig, RungChooser, Throughput
from tests.player.shows import RUNG

RATES = (80e6, 15e6, 40e6, 25e6)  # in no order, as a manifest may have them
RUNGS = [replace(RUNG, name=f"r{i}", bits_per_second=int(rate)) for i, rate in enumerate(RATES)]
FULL, LOW, HIGH, MEDIUM = range(4)


def fed(chooser: RungChooser, rate: float, *, seconds: float, start: float) -> list[tuple[float, int]]:
    """A transfer at `rate` with a choice every 0.1 s -> (time, rung) of every change."""
    changes: list[tuple[float, int]] = []
    for i in range(round(seconds * 10)):
        now = start + (i + 1) / 10
        chooser.throughput.add(rate / 10, 0.1)
        before, after = chooser.current, chooser.choose(RATES, now=now)
        if before != after:
            changes.append((now - start, after))
    return changes


def test_means_are_exact() -> None:
    throughput = Throughput(fast_s=1.0, slow_s=4.0)
    assert throughput.estimate is None
    throughput.add(10e6, 1.0)
    assert throughput.estimate == pytest.approx(10e6)
    throughput.add(2e6, 1.0)
    # fast: (0.25 * 10 + 0.5 * 2) / 0.75
    assert throughput.estimate == pytest.approx(14e6 / 3)
    throughput.add(100e6, 1.0)
    kept = 0.5**0.25
    slow = ((kept * (kept * 10e6 + 2e6)) + 100e6) / (kept * kept + kept + 1)
    assert throughput.estimate == pytest.approx(slow)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(1e-3, 10)), min_size=1, max_size=30))
def test_an_estimate_lies_between_the_samples(samples: list[tuple[float, float]]) -> None:
    throughput = Throughput(fast_s=0.75, slow_s=4.0)
    for bits, seconds in samples:
        throughput.add(bits, seconds)
    rates = [bits / seconds for bits, seconds in samples]
    assert throughput.estimate is not None
    assert min(rates) * (1 - 1e-9) <= throughput.estimate <= max(rates) * (1 + 1e-9)


def test_begins_with_the_lowest_and_takes_the_first_measurement_at_once() -> None:
    chooser = RungChooser(RUNGS)
    assert chooser.choose(RATES, now=0.0) == LOW
    chooser.throughput.add(60e6, 1.0)
    assert chooser.choose(RATES, now=1.0) == HIGH


@pytest.mark.parametrize(("rate", "rung"), [(32e6, MEDIUM), (20e6, LOW), (5e6, LOW)])
def test_goes_down_within_two_seconds(rate: float, rung: int) -> None:
    chooser = RungChooser(RUNGS)
    fed(chooser, 200e6, seconds=15, start=0.0)
    assert chooser.current == FULL
    changes = fed(chooser, rate, seconds=6, start=15.0)
    assert changes[0][0] <= 2.0
    assert chooser.current == rung


def test_goes_up_only_after_ten_seconds_of_headroom() -> None:
    chooser = RungChooser(RUNGS)
    fed(chooser, 20e6, seconds=5, start=0.0)
    assert chooser.current == LOW
    changes = fed(chooser, 100e6, seconds=25, start=5.0)
    assert changes[0][0] >= 10.0
    assert chooser.current == FULL
    assert len(changes) <= 3


def test_a_chunk_whose_middle_rung_is_the_largest_is_no_trouble() -> None:
    chooser = RungChooser(RUNGS)
    fed(chooser, 20e6, seconds=5, start=0.0)
    fed(chooser, 60e6, seconds=5, start=5.0)
    odd = (80e6, 15e6, 40e6, 300e6)
    chooser.choose(odd, now=10.0)
    assert chooser.choose(odd, now=30.0) == HIGH


def test_a_dip_starts_the_wait_anew() -> None:
    chooser = RungChooser(RUNGS)
    fed(chooser, 20e6, seconds=5, start=0.0)
    assert not fed(chooser, 100e6, seconds=8, start=5.0)
    assert not fed(chooser, 10e6, seconds=2, start=13.0)
    changes = fed(chooser, 100e6, seconds=20, start=15.0)
    assert changes and changes[0][0] >= 10.0


def test_a_locked_rung_stays() -> None:
    chooser = RungChooser(RUNGS)
    chooser.lock(FULL)
    assert not fed(chooser, 1e6, seconds=5, start=0.0)
    assert chooser.current == FULL and chooser.locked
    assert not chooser.gives_up(left_bits=1e9, lower_bits=1.0, buffer_s=0.0)
    chooser.lock(None)
    assert chooser.choose(RATES, now=5.0) == LOW


def test_a_segment_that_comes_too_late_is_given_up() -> None:
    chooser = RungChooser(RUNGS)
    chooser.throughput.add(5e6, 1.0)
    assert chooser.gives_up(left_bits=80e6, lower_bits=15e6, buffer_s=12.0)
    assert not chooser.gives_up(left_bits=5e6, lower_bits=4e6, buffer_s=12.0)  # nearly here
    assert not chooser.gives_up(left_bits=20e6, lower_bits=15e6, buffer_s=12.0)  # nothing to win
    assert chooser.gives_up(left_bits=5e6, lower_bits=1e6, buffer_s=0.5)
    assert not chooser.gives_up(left_bits=5e6, lower_bits=8e6, buffer_s=0.0)


def test_a_machine_that_is_too_slow_gets_a_lower_rung_for_a_while() -> None:
    config = AbrConfig()
    chooser = RungChooser(RUNGS, config)
    fed(chooser, 200e6, seconds=15, start=0.0)
    now = 15.0
    for i in range(120):
        now = 15.0 + i / 30
        chooser.spent(FULL, 0.05, interval=1 / 30, now=now)
    assert chooser.choose(RATES, now=now) == HIGH
    later = now + config.rest_s
    chooser.throughput.add(200e6, 1.0)
    chooser.choose(RATES, now=later)
    assert chooser.choose(RATES, now=later + config.headroom_s) == FULL


def test_a_machine_that_keeps_up_is_left_alone() -> None:
    chooser = RungChooser(RUNGS)
    fed(chooser, 200e6, seconds=15, start=0.0)
    for i in range(300):
        chooser.spent(FULL, 0.02, interval=1 / 30, now=15.0 + i / 30)
    assert chooser.choose(RATES, now=25.0) == FULL
    for i in range(300):
        chooser.spent(LOW, 1.0, interval=1 / 30, now=25.0 + i / 30)
    assert chooser.choose(RATES, now=35.0) == FULL


def rebuffered(link: list[tuple[float, float]], *, chunk_s: float = 1.0) -> tuple[float, list[int]]:
    """Plays over a link of (until, bit/s) with a 12 s buffer -> seconds without a picture, rungs of the chunks."""
    chooser, now, ahead, played = RungChooser(RUNGS), 0.0, 0.0, []
    stalled, step, rung, left, idle = 0.0, 0.05, LOW, 0.0, 0.0
    while now < link[-1][0]:
        rate = next(bits for until, bits in link if now < until)
        if left <= 0 and ahead < 12:
            rung = chooser.choose(RATES, now=now)
            left = RATES[rung] * chunk_s
        if left > 0:
            chooser.throughput.add(rate * step, step, after_s=idle)
            idle = 0.0
            left -= rate * step
            lower = chooser.choose(RATES, now=now)
            if left <= 0:
                ahead += chunk_s
                played.append(rung)
            elif chooser.gives_up(left_bits=left, lower_bits=RATES[lower] * chunk_s, buffer_s=ahead):
                rung, left = lower, RATES[lower] * chunk_s
        else:
            idle += step
        now += step
        if ahead >= step:
            ahead -= step
        elif played:
            stalled += step
    return stalled, played


def test_a_falling_link_stalls_only_where_nothing_fits() -> None:
    fits = [(20.0, 120e6), (40.0, 40e6), (60.0, 19e6), (90.0, 120e6)]
    stalled, rungs = rebuffered(fits)
    assert stalled == 0
    assert FULL in rungs[:20] and LOW in rungs and rungs[-1] == FULL
    stalled, _ = rebuffered([(20.0, 100e6), (60.0, 5e6), (90.0, 100e6)])
    assert 0 < stalled < 40 * (1 - 5 / 15)
