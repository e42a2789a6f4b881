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


@dataclass
class Seen:
    """What one viewer or many have met. `late_s`: of each segment that came after its play time, by how much."""

    segments: int = 0
    bytes: int = 0
    late_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.segments += other.segments
        self.bytes += other.bytes
        self.late_s += other.late_s
        self.errors += other.errors


def view_many(pipe: Connection, url: str, viewers: int, seconds: float, ramp_s: float) -> None:
    """For `processes.worker`: viewers begin within `ramp_s`, watch for `seconds` each; answers a `Seen` of all."""
    pipe.recv()
    pipe.send(asyncio.run(_view_many(url, viewers, seconds, ramp_s)))


async def _view_many(url: str, viewers: int, seconds: float, ramp_s: float) -> Seen:
    rng = random.Random(viewers)

    async def one() -> Seen:
        await asyncio.sleep(rng.uniform(0, ramp_s))
        return await view(url, seconds)

    out = Seen()
    for seen in await asyncio.gather(*(one() for _ in range(viewers))):
        out.add(seen)
    return out


async def view(url: str, seconds: float) -> Seen:
    """Play a show's first rung for so long, again from the start at its end, with BUFFER_S fetched ahead."""
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
    link.begin(Fraction(0), 0)
    finished = time.monotonic() + seconds
    zero = 0.0  # when second 0 of the show is played
    until = 0.0  # what is here, seconds of the show
    flows = True
    while (now := time.monotonic()) < finished:
        wanted = not seen.segments or until - (now - zero) < BUFFER_S
        if wanted != flows:
            link.flow(wanted)
            flows = wanted
        pause = finished - now if wanted else min(finished - now, until - BUFFER_S - (now - zero))
        try:
            async with asyncio.timeout(max(pause, 0.001)):
                event = await link.receive()
        except TimeoutError:
            continue
        if isinstance(event, Ended):
            link.begin(Fraction(0), 0)
            zero, until = zero + float(index.duration), 0.0
        elif isinstance(event, Arrived):
            now = time.monotonic()
            check_segment(index, event.chunk, event.rung, event.data)
            start = float(index.chunks[event.chunk].start)
            if not seen.segments:
                zero = now
            elif now > zero + start:
                seen.late_s.append(now - zero - start)
                zero = now - start
            seen.segments += 1
            seen.bytes += len(event.data)
            until = float(index.chunks[event.chunk].end)


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
