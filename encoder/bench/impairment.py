"""What is wrong with a network, as plain data, and when bytes get through it: rates, outages, freezes, by a seed.

Nothing here touches a socket or a clock; `encoder.bench.proxy` puts it between a client and a server.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from protocol.errors import UsageError

# reset: connections are torn down at its beginning, and new ones refused until its end.
# silent: a pulled cable; nothing gets through, nobody is told. lossy: bytes get through, with freezes between them.
Kind = Literal["reset", "silent", "lossy"]

FREEZES_PER_S = 2.0  # of a lossy phase, on average
FREEZE_S = (0.05, 0.4)  # a fast retransmission, and one that waited for TCP's timer

RETRANSMIT_S = 0.2  # TCP tries again after this, twice this, four times this ...
CONNECT_AGAIN_S = 1.0  # the same for the first packet of a connection


@dataclass(frozen=True)
class Outage:
    """Seconds `start_s` to `end_s` of an impairment's own clock."""

    start_s: float
    end_s: float
    kind: Kind


@dataclass(frozen=True)
class Impairment:
    """A bad network; both directions alike. The default is none.

    Attributes:
        rate: bits per second; or steps of (second, bits per second), the first of which also holds before it;
            None: as fast as the machine.
        delay_s: one way.
        jitter_s: up to this is added to the delay of each piece; their order stays.
        outages: in any order; where they overlap, nothing gets through.
        seed: of jitter and freezes.
    """

    rate: float | tuple[tuple[float, float], ...] | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    outages: tuple[Outage, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        steps = [self.rate] if isinstance(self.rate, int | float) else [rate for _, rate in self.rate or ()]
        if (self.rate is not None and (not steps or min(steps) < 0)) or self.delay_s < 0 or self.jitter_s < 0:
            raise UsageError("an impairment has a negative rate or delay; give seconds and bits per second from 0 on")
        if any(outage.end_s < outage.start_s for outage in self.outages):
            raise UsageError("an outage ends before it starts; give (start_s, end_s, kind)")


@dataclass(frozen=True)
class Timeline:
    """Bytes per second from each of `times` on; the first time is minus infinity."""

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def rate_at(self, time: float) -> float:
        """Bytes per second."""
        return self.rates[bisect_right(self.times, time) - 1]

    def finish(self, start: float, size: int) -> float:
        """When the last of `size` bytes has passed, if the first begins at `start`; infinity if never."""
        at, left = bisect_right(self.times, start) - 1, float(size)
        while True:
            end = self.times[at + 1] if at + 1 < len(self.times) else math.inf
            needed = left / self.rates[at] if self.rates[at] else math.inf
            if start + needed <= end:
                return start + needed
            left -= self.rates[at] * (end - start)
            start, at = end, at + 1


def timeline(impairment: Impairment, *, direction: int = 0) -> Timeline:
    """When how much gets through in one direction (0: to the server, 1: from it; their freezes differ)."""
    closed = _closed(impairment, random.Random(2 * impairment.seed + direction))
    steps = _steps(impairment)
    times = [-math.inf, *sorted({time for time, _ in steps[1:]} | {edge for span in closed for edge in span})]
    starts = [time for time, _ in steps[1:]]
    rates = [
        0.0 if any(start <= time < end for start, end in closed) else steps[bisect_right(starts, time)][1] / 8
        for time in times
    ]
    return Timeline(tuple(times), tuple(rates))


def resumption(impairment: Impairment, *, now: float, opened: float) -> float:
    """When a connection that was opened at `opened` and wants to send at `now` does so; `now`, if nothing is wrong.

    In a silent outage TCP asks again after ever longer waits, so that it notices the end of the outage only later.
    """
    for outage in impairment.outages:
        if outage.kind == "silent" and outage.start_s <= now < outage.end_s:
            started = opened > outage.start_s
            wait, time = (CONNECT_AGAIN_S, opened) if started else (RETRANSMIT_S, outage.start_s)
            while time < outage.end_s:
                time, wait = time + wait, 2 * wait
            return time
    return now


def _steps(impairment: Impairment) -> list[tuple[float, float]]:
    """(second, bits per second) in order of time."""
    rate = impairment.rate
    if rate is None:
        return [(0.0, math.inf)]
    return sorted(rate) if isinstance(rate, Sequence) else [(0.0, float(rate))]


def _closed(impairment: Impairment, rng: random.Random) -> list[tuple[float, float]]:
    """Spans in which no byte passes."""
    spans: list[tuple[float, float]] = []
    for outage in impairment.outages:
        if outage.kind != "lossy":
            spans.append((outage.start_s, outage.end_s))
            continue
        time = outage.start_s + rng.expovariate(FREEZES_PER_S)
        while time < outage.end_s:
            end = time + rng.uniform(*FREEZE_S)
            spans.append((time, min(end, outage.end_s)))
            time = end + rng.expovariate(FREEZES_PER_S)
    return spans
