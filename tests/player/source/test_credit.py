"""The credit window follows the way, by exact numbers."""

from __future__ import annotations

import pytest

from player.source.credit import CreditWindow
from protocol.limits import KIB, MIB


def window(first: int = 256 * KIB) -> CreditWindow:
    return CreditWindow(first=first, least=128 * KIB, most=16 * MIB)


def fed(
    credit: CreditWindow, rate: float, *, seconds: float, rtt_s: float, start: float = 0.0, step: float = 0.01
) -> None:
    """Bytes at a rate (bytes per second), piece by piece."""
    for i in range(round(seconds / step)):
        credit.received(round(rate * step), now=start + (i + 1) * step, rtt_s=rtt_s)


def test_the_first_window_is_within_its_bounds() -> None:
    assert window().size == 256 * KIB
    assert window(first=1).size == 128 * KIB
    assert window(first=64 * MIB).size == 16 * MIB


def test_nothing_is_granted_until_half_is_used_up_then_all_of_it() -> None:
    credit = window()
    assert credit.grant(256 * KIB) == 0
    assert credit.grant(128 * KIB + 1) == 0
    assert credit.grant(128 * KIB) == 128 * KIB
    assert credit.grant(0) == 256 * KIB


def test_what_opens_a_burst_is_not_counted() -> None:
    credit = window()
    credit.received(16 * MIB, now=0.0, rtt_s=0.05)
    # 100 KiB in 0.2 s are 512000 bytes/s, which a round trip and 0.2 s bring 128000 of.
    credit.received(100 * KIB, now=0.2, rtt_s=0.05)
    assert credit.size == 128 * KIB


def test_a_round_lasts_a_round_trip_at_least() -> None:
    credit = window()
    credit.received(1, now=0.0, rtt_s=0.1)
    credit.received(MIB, now=0.099, rtt_s=0.1)
    assert credit.size == 256 * KIB
    credit.received(0, now=0.1, rtt_s=0.1)
    assert credit.size == 512 * KIB


def test_a_round_waits_for_half_a_window_or_200_ms() -> None:
    credit = window(first=4 * MIB)
    credit.received(1, now=0.0, rtt_s=0.01)
    credit.received(2 * MIB - 1, now=0.1, rtt_s=0.01)
    assert credit.size == 4 * MIB
    # 2 MiB in 0.128 s, of which 0.21 s bring 3.44 MiB.
    credit.received(1, now=0.128, rtt_s=0.01)
    assert credit.size == int(2 * MIB / 0.128 * 0.21)


def test_it_doubles_at_most_and_halves_at_most() -> None:
    credit = window(first=MIB)
    credit.received(1, now=0.0, rtt_s=0.01)
    credit.received(512 * MIB, now=0.01, rtt_s=0.01)
    assert credit.size == 2 * MIB
    credit.received(1000, now=0.3, rtt_s=0.01)
    assert credit.size == MIB


@pytest.mark.parametrize(
    ("megabits", "rtt_s", "size"),
    [
        (5, 0.1, round(625e3 * 0.3)),
        (50, 0.1, round(6.25e6 * 0.3)),
        (80, 0.02, round(10e6 * 0.22)),
        (1, 0.1, 128 * KIB),
        (8000, 0.001, 16 * MIB),
    ],
)
def test_it_becomes_what_a_round_trip_and_200_ms_bring(megabits: float, rtt_s: float, size: int) -> None:
    credit = window()
    fed(credit, megabits * 125e3, seconds=3, rtt_s=rtt_s)
    assert credit.size == pytest.approx(size, rel=0.02)


def test_when_the_way_narrows_the_window_follows_within_a_second_and_a_half() -> None:
    credit = window()
    fed(credit, 10e6, seconds=3, rtt_s=0.05)
    fed(credit, 625e3, seconds=1.5, rtt_s=0.05, start=3)
    assert credit.size == pytest.approx(625e3 * 0.25, rel=0.05)


def test_a_pause_is_no_slowness() -> None:
    credit = window()
    fed(credit, 10e6, seconds=3, rtt_s=0.05)
    before = credit.size
    credit.pause()
    credit.received(64 * KIB, now=60.0, rtt_s=0.05)
    credit.received(64 * KIB, now=60.001, rtt_s=0.05)
    assert credit.size == before


def test_two_messages_at_one_moment_do_not_divide_by_nothing() -> None:
    credit = window()
    for _ in range(3):
        credit.received(MIB, now=1.0, rtt_s=0.0)
    assert credit.size == 256 * KIB
