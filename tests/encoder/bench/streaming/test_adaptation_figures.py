"""What a run on a changing network says: stalls by whose fault they are, and how soon the rung follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from encoder.bench.streaming.adaptation import PHASES, Phase, figures, schedule
from encoder.bench.streaming.play import Moment

EACH_S = 15.0


def moments(rungs: dict[float, str], stalls: tuple[tuple[float, float], ...] = ()) -> Iterator[Moment]:
    """Ten a second for all phases from second 100 on: the rung from each time on, and spans without a frame."""
    for turn in range(int(10 * EACH_S * len(PHASES))):
        now = turn / 10
        rung = next(name for start, name in sorted(rungs.items(), reverse=True) if start <= now)
        waits = any(start < now < end for start, end in stalls)
        yield Moment(100 + now, now, None if waits else turn, 0, rung, 0.0)


def found(rungs: dict[float, str], stalls: tuple[tuple[float, float], ...] = ()) -> dict[str, float]:
    run = list(moments(rungs, stalls))
    return {f.name.removeprefix("adaptation_"): f.value for f in figures(run, PHASES, EACH_S, switches=3)}


def test_a_run_that_follows_the_network() -> None:
    # 80 is 10 Mbit/s of this show, 25 is 3.125, 15 is 1.875.
    run = found({0: "5", 16: "3.125", 31.5: "1.875", 56: "3.125", 70: "5"}, stalls=((35, 38),))
    assert run["switches"] == 3 and run["rebuffer"] == 0
    assert run["rebuffer_below_ladder"] == pytest.approx(3, abs=0.11)
    assert run["down_to_32"] == pytest.approx(1) and run["down_to_5"] == pytest.approx(1.5)
    assert run["up"] == pytest.approx(11)
    rungs = {name: run[f"rung_at_{name}"] for name in ("80", "32", "5", "lossy", "80_again")}
    assert rungs == pytest.approx({"80": 40, "32": 25, "5": 15, "lossy": 25, "80_again": 40})


def test_a_run_that_does_not() -> None:
    run = found({0: "5"}, stalls=((20, 21), (74, 80)))
    assert run["rebuffer"] == pytest.approx(2, abs=0.3) and run["rebuffer_below_ladder"] == 0
    assert run["down_to_32"] == EACH_S


def test_the_schedule_says_the_phases() -> None:
    link = schedule((Phase("80", 80e6), Phase("lossy", 40e6, lossy=True)), 2.0)
    assert link.rate == ((0.0, 10e6), (2.0, 5e6))
    assert [(o.start_s, o.end_s, o.kind) for o in link.outages] == [(2.0, 4.0, "lossy")]
