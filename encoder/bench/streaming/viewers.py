"""Viewers without a screen: the player's own links, at the show's own pace, by the hundred in one process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing.connection import Connection

from player.source.address import parse_address
from player.source.link import Link, LinkOptions, open_link
from protocol.container import check_segment
from protocol.errors import LfvError
from protocol.session.client import Arrived, Ended

BUFFER_S = 2.0
_LOOK_S = 0.05


@dataclass
class Seen:
    """What one viewer or many have met.

    Attributes:
        late_s: of each segment that came after its play time, by how much.
        lag_s: by how much the viewers' own process was late at worst: a stall may be its own then.
        cpu_s: what that process has used.
    """

    segments: int = 0
    bytes: int = 0
    late_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lag_s: float = 0.0
    cpu_s: float = 0.0

    def add(self, other: Seen) -> None:
        self.segments += other.segments
        self.bytes += other.bytes
        self.late_s += other.late_s
        self.errors += other.errors
        self.lag_s = max(self.lag_s, other.lag_s)
        self.cpu_s += other.cpu_s


def view_many(pipe: Connection, url: str, viewers: int, seconds: float, ramp_s: float) -> None:
    """For `processes.worker`: viewers begin within `ramp_s`, watch for `seconds` each; answers a `Seen` of all."""
    pipe.recv()
    pipe.send(asyncio.run(_view_many(url, viewers, seconds, ramp_s)))


async def _view_many(url: str, viewers: int, seconds: float, ramp_s: float) -> Seen:
    rng = random.Random(viewers)

    async def one() -> Seen:
        await asyncio.sleep(rng.uniform(0, ramp_s))
        return await view(url, seconds)

    out, started = Seen(), time.process_time()
    watching = asyncio.create_task(_watch_lag(out))
    for seen in await asyncio.gather(*(one() for _ in range(viewers))):
        out.add(seen)
    watching.cancel()
    out.cpu_s = time.process_time() - started
    return out


async def _watch_lag(seen: Seen) -> None:
    while True:
        due = time.monotonic() + _LOOK_S
        await asyncio.sleep(_LOOK_S)
        seen.lag_s = max(seen.lag_s, time.monotonic() - due)


async def view(url: str, seconds: float) -> Seen:
    """Play a show's first rung for so long, again from the start at its end.

    It plays from when BUFFER_S of the show are there, and fetches as far ahead.
    """
    seen = Seen()
    link = open_link(parse_address(url), LinkOptions())
    try:
        await _play(link, seconds, seen)
    except LfvError as error:
        seen.errors.append(str(error))
    finally:
        await link.close()
    return seen


async def _play(link: Link, seconds: float, seen: Seen) -> None:
    opened = await link.open()
    index = opened.index
    duration = float(index.duration)
    link.begin(Fraction(0), 0)
    finished = time.monotonic() + seconds
    laps = 0.0  # seconds of the show in all rounds before this one
    here = 0.0  # what has come, seconds in all rounds
    zero: float | None = None  # when second 0 was played
    flows = True
    while (now := time.monotonic()) < finished:
        ahead = here if zero is None else here - (now - zero)
        if flows != (ahead < BUFFER_S):
            flows = not flows
            link.flow(flows)
        try:
            async with asyncio.timeout(finished - now if flows else min(finished - now, ahead - BUFFER_S + 0.001)):
                event = await link.receive()
        except TimeoutError:
            continue
        if isinstance(event, Ended):
            link.begin(Fraction(0), 0)
            laps += duration
        elif isinstance(event, Arrived):
            now = time.monotonic()
            check_segment(index, event.chunk, event.rung, event.data)
            chunk = index.chunks[event.chunk]
            start = laps + float(chunk.start)
            if zero is not None and now > zero + start:
                seen.late_s.append(now - zero - start)
                zero = now - start
            here = laps + float(chunk.end)
            if zero is None and here >= BUFFER_S:
                zero = now
            seen.segments += 1
            seen.bytes += len(event.data)


def stop_reading(pipe: Connection, url: str) -> None:
    """For `processes.worker`: a viewer that asks for all the credit there is and then reads nothing any more."""
    address = parse_address(url)

    async def run() -> None:
        link = open_link(address, LinkOptions(first_credit=64 << 20, most_credit=64 << 20))
        await link.open()
        link.begin(Fraction(0), 0)
        await link.receive()
        pipe.send("stopped")
        # A loop that is blocked reads no socket and answers nothing.
        pipe.poll(None)
        await link.close()

    asyncio.run(run())


def pull_link(pipe: Connection, url: str) -> None:
    """For `processes.worker`: is told a number of whole segments, takes them, answers the seconds that it took."""
    asyncio.run(_pull_link(pipe, url))


async def _pull_link(pipe: Connection, url: str) -> None:
    link = open_link(parse_address(url), LinkOptions())
    try:
        await link.open()
        while True:
            # Between two questions nothing is under way, so that other pairs have the machine to themselves.
            count = await asyncio.to_thread(pipe.recv)
            pipe.send(await _pull(link, count))
    except EOFError:
        return
    finally:
        await link.close()


async def _pull(link: Link, count: int) -> float:
    started = time.perf_counter()
    link.begin(Fraction(0), 0)
    while count:
        event = await link.receive()
        if isinstance(event, Arrived):
            count -= 1
        elif isinstance(event, Ended):
            link.begin(Fraction(0), 0)
    return time.perf_counter() - started


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above; NaN without any."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
