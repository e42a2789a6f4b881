"""A player on a rate that drops to 32, to 5, freezes, and comes back to 80, where 80 is the show's highest rung."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from encoder.bench.figure import Figure
from encoder.bench.impairment import Impairment, Outage
from encoder.bench.streaming.play import Moment, playing
from encoder.bench.streaming.processes import impaired, served, worker
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from player.loader import LoaderConfig

_SCALE = 1 / 8  # of a full-size show's ladder, so that its file is no gigabyte
_LADDER = (80e6, 40e6, 25e6, 15e6)
_DELAY_S = 0.025
_LATE_S = 0.25  # between two new frames: a stall, and not one late turn of the loop


@dataclass(frozen=True)
class Phase:
    """A span of the run: what the link carries, of 80, and whether it freezes now and then."""

    name: str
    rate: float
    lossy: bool = False


PHASES = (
    Phase("80", 80e6),
    Phase("32", 32e6),
    Phase("5", 5e6),
    Phase("lossy", 80e6, lossy=True),
    Phase("80_again", 80e6),
)


def schedule(phases: Sequence[Phase], each_s: float) -> Impairment:
    """The phases one after the other, each so long."""
    return Impairment(
        rate=tuple((number * each_s, phase.rate * _SCALE) for number, phase in enumerate(phases)),
        delay_s=_DELAY_S,
        outages=tuple(
            Outage(number * each_s, (number + 1) * each_s, "lossy")
            for number, phase in enumerate(phases)
            if phase.lossy
        ),
    )


def bench_adaptation(quick: bool) -> list[Figure]:
    """Plays through all phases, 20 s each (quick: the first two, 2 s each)."""
    phases, each_s = (PHASES[:2], 2.0) if quick else (PHASES, 20.0)
    rates = tuple(round(rate * _SCALE) for rate in _LADDER)
    length = int(each_s * len(phases)) + 2
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = write_bench_show(Path(folder) / "bench.lfv", BenchShow(length, Fraction(1), rates, 256))
        url = urlsplit(stack.enter_context(served(path)).urls["ws"])
        link = stack.enter_context(worker(impaired, url.port, schedule(phases[:1], each_s)))
        here = url._replace(netloc=f"127.0.0.1:{link.answer()}").geturl()
        player = stack.enter_context(playing(here, LoaderConfig(loop=False)))
        link.tell(schedule(phases, each_s))
        moments = list(player.play(each_s * len(phases)))
        switches = player.loader.figures().fetch.switches
    return figures(moments, phases, each_s, switches=switches)


def figures(moments: Sequence[Moment], phases: Sequence[Phase], each_s: float, *, switches: int) -> list[Figure]:
    """What the moments of a run say. Rungs are named by their Mbit/s, and given as parts of 80."""
    zero = moments[0].now
    lowest = min(_LADDER)
    starts = [number * each_s for number in range(len(phases))]
    out = [Figure("adaptation_switches", switches, "count")]
    stalls = _stalls(moments)
    needless = needed = 0.0
    for start, end in stalls:
        # A stall belongs to the phase in which it began.
        phase = phases[min(int((start - zero) / each_s), len(phases) - 1)]
        if phase.rate < lowest:
            needed += end - start
        else:
            needless += end - start
    out += [Figure("adaptation_rebuffer", needless, "s"), Figure("adaptation_rebuffer_below_ladder", needed, "s")]
    for phase, start in zip(phases, starts, strict=True):
        of_phase = [m for m in moments if start <= m.now - zero < start + each_s]
        out.append(Figure(f"adaptation_rung_at_{phase.name}", _rung(of_phase[-1]) / 1e6, "Mbit/s of 80"))
    for (before, after), start in zip(pairwise(phases), starts[1:], strict=True):
        fits = max((rate for rate in _LADDER if rate <= after.rate), default=lowest)
        later = [m for m in moments if m.now - zero >= start]
        if after.rate < before.rate:
            took = next((m.now - zero - start for m in later if _rung(m) <= fits), each_s)
            out.append(Figure(f"adaptation_down_to_{after.name}", took, "s"))
        elif after.rate > before.rate:
            took = next((m.now - zero - start for m in later if _rung(m) > lowest), 2 * each_s)
            out.append(Figure("adaptation_up", took, "s"))
    return out


def _rung(moment: Moment) -> float:
    """Bits per second of a full-size show."""
    return float(moment.rung) * 1e6 / _SCALE


def _stalls(moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """Spans between two new frames that are too long."""
    out, last, shown = [], moments[0].now, -1
    for moment in moments:
        if moment.frame is not None and moment.frame != shown:
            if shown >= 0 and moment.now - last > _LATE_S:
                out.append((last, moment.now))
            last, shown = moment.now, moment.frame
    if moments[-1].now - last > _LATE_S:
        out.append((last, moments[-1].now))
    return out
