"""Signs of life: when to ping, and how long is too long."""

from __future__ import annotations

from player.source.keepalive import KeepAlive


def watched(keepalive: KeepAlive, start: float, end: float, *, due: bool) -> float | None:
    """Look four times a second; the moment at which the silence is too long."""
    for i in range(round((end - start) * 4) + 1):
        if keepalive.silence(start + i / 4, due=due) is not None:
            return start + i / 4
    return None


def test_a_ping_every_five_seconds() -> None:
    keepalive = KeepAlive(now=0.0)
    assert [keepalive.ping(now) for now in (0.0, 1.0, 4.9, 5.0, 6.0, 10.0)] == [1, None, None, 2, None, 3]


def test_the_round_trip_is_the_least_of_the_latest() -> None:
    keepalive = KeepAlive(now=0.0)
    assert keepalive.rtt_s == 0.0
    for trip in (0.3, 0.05, 0.2):
        keepalive.went_round(trip)
    assert keepalive.rtt_s == 0.05
    for _ in range(8):
        keepalive.went_round(0.1)
    assert keepalive.rtt_s == 0.1


def test_pongs_measure_and_answer_all_pings_before_them() -> None:
    keepalive = KeepAlive(now=0.0)
    first, second = keepalive.ping(0.0), keepalive.ping(5.0)
    assert (first, second) == (1, 2)
    keepalive.ponged(2, 5.25)
    assert keepalive.rtt_s == 0.25
    keepalive.ponged(1, 9.0)
    keepalive.ponged(77, 9.0)
    for _ in range(10):
        keepalive.ponged(2, 6.0)
    assert keepalive.rtt_s == 0.25


def test_two_seconds_without_a_byte_that_was_due_are_too_long() -> None:
    keepalive = KeepAlive(now=0.0)
    assert watched(keepalive, 0.0, 3.0, due=True) == 2.25
    keepalive = KeepAlive(now=0.0)
    keepalive.heard(1.5)
    assert watched(keepalive, 1.5, 4.5, due=True) == 3.75


def test_on_a_slow_way_four_round_trips_are_waited() -> None:
    keepalive = KeepAlive(now=0.0)
    keepalive.went_round(0.75)
    assert watched(keepalive, 0.0, 5.0, due=True) == 3.25


def test_where_nothing_is_due_only_pings_tell() -> None:
    keepalive = KeepAlive(now=0.0)
    assert watched(keepalive, 0.0, 60.0, due=False) is None
    keepalive = KeepAlive(now=0.0)
    keepalive.ping(0.0)
    assert watched(keepalive, 0.0, 60.0, due=False) == 10.25


def test_time_counts_from_when_something_became_due() -> None:
    keepalive = KeepAlive(now=0.0)
    assert watched(keepalive, 0.0, 8.0, due=False) is None
    assert watched(keepalive, 8.25, 15.0, due=True) == 10.5
    keepalive = KeepAlive(now=0.0)
    assert watched(keepalive, 0.0, 1.75, due=True) is None
    assert watched(keepalive, 2.0, 4.0, due=False) is None
    assert watched(keepalive, 4.25, 9.0, due=True) == 6.5


def test_a_loop_that_was_held_up_is_no_silence_of_the_server() -> None:
    keepalive = KeepAlive(now=0.0)
    keepalive.ping(0.0)
    assert keepalive.silence(0.25, due=True) is None
    assert keepalive.silence(30.0, due=True) is None
    assert watched(keepalive, 30.0, 40.0, due=True) == 32.25
