"""The distance to the live edge is reached and held, at a speed that nobody notices."""

from __future__ import annotations

import pytest

from player.clock import PlayClock
from player.live import LiveHold, calm, held, stalled

STEP = 1 / 60


def followed(hold: LiveHold, clock: PlayClock, *, seconds: float, chunk_s: float = 0.5) -> list[float]:
    """Distances to the edge of a show whose chunks are told as soon as they are made; each step."""
    distances = []
    for i in range(round(seconds / STEP)):
        now = 10.0 + i * STEP
        newest = now // chunk_s * chunk_s  # the end of the newest chunk
        edge = newest + min(now - newest, chunk_s)
        before = clock.time
        clock = held(hold, clock, seconds=STEP, edge=edge, duration=newest)
        assert clock.time < newest
        assert abs(clock.time - before) <= STEP * 1.1 + 1e-9 or abs(edge - hold.target_s - before) > 3
        distances.append(edge - clock.time)
    return distances


@pytest.mark.parametrize("behind", [0.5, 0.65, 1.2, 2.5, 8.0])
def test_the_distance_is_held(behind: float) -> None:
    hold = LiveHold(chunk_s=0.5)
    distances = followed(hold, PlayClock(duration=10.0, time=10.0 - behind, loop=False), seconds=60)
    assert all(abs(distance - hold.target_s) < 0.03 for distance in distances[-600:])


def test_a_viewer_who_sought_is_left_where_he_is() -> None:
    hold = LiveHold(chunk_s=0.5, following=False)
    distances = followed(hold, PlayClock(duration=10.0, time=4.0, loop=False), seconds=5)
    assert distances[-1] == pytest.approx(6.0, abs=0.05)


def test_a_paused_clock_stays() -> None:
    clock = PlayClock(duration=10.0, time=4.0, playing=False, loop=False)
    after = held(LiveHold(chunk_s=0.5), clock, seconds=1.0, edge=20.0, duration=20.0)
    assert (after.time, after.duration, after.playing) == (4.0, 20.0, False)


def test_stalls_cost_distance_and_calm_gives_it_back() -> None:
    hold = LiveHold(chunk_s=0.5)
    assert stalled(hold).target_s == pytest.approx(hold.target_s + 0.1)
    for _ in range(100):
        hold = stalled(hold)
    assert hold.margin_s == 2.0
    assert calm(hold, seconds=10).margin_s == pytest.approx(1.9)
    assert calm(hold, seconds=1e6) == LiveHold(chunk_s=0.5)
