"""Keeps the segment buffer filled over one link after another: where to begin, at which rung, when to try again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from player.abr import RungChooser
from player.meter import Meter
from player.segments import SegmentBuffer
from player.source.link import Link
from protocol.errors import StreamError
from protocol.index import ChunkEntry, Index
from protocol.session.client import Arrived, Ended, Event, Grown, Left, Opened, Progress

log = logging.getLogger(__name__)

_TICK_S = 0.2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0
# Where links open and yet bring nothing, each one is a burden for a server that may have too many.
_LONGEST_FRUITLESS_S = 8.0
_FIRST_CONNECT_S, _LONGEST_CONNECT_S, _CONNECT_GROWTH = 1.0, 8.0, 1.3
_LONGEST_OPEN_S = 30.0
_RATES_OF = 2  # chunks whose sizes say what a rung costs now

Connect = Callable[[float], Link]  # seconds it may take


@dataclass
class FetchFigures:
    """What has happened so far. Written on the network's thread, read anywhere."""

    connected: bool = True
    reconnects: int = 0
    switches: int = 0
    given_up: int = 0
    bytes: int = 0
    grown_at: float = 0.0  # time.monotonic when the newest chunk of a live show was told


class Fetcher:
    """Runs on the network's loop."""

    def __init__(
        self, connect: Connect, segments: SegmentBuffer, chooser: RungChooser, *, opened: Opened, give_up_s: float
    ) -> None:
        """Prepare; `opened` is what the first link said, `give_up_s` how long an outage may last."""
        self._connect, self._segments, self._chooser = connect, segments, chooser
        self._opened, self._give_up_s = opened, give_up_s
        self._meter = Meter(chooser.throughput)
        self._coming: int | None = None
        self._rung = 0
        self._flowing = False
        self._progress: Progress | None = None
        self._last_choice: int | None = None
        self._fruitless = 0  # links in a row that brought no segment
        self._troubled_since: float | None = None
        self.figures = FetchFigures(grown_at=time.monotonic())
        self.moved = asyncio.Event()

    async def run(self, link: Link) -> None:
        """Deliver over `link`, which is open, and over others when it is lost.

        Raises:
            StreamError: refused, another show, or no way back within `give_up_s`. FormatError: what came is no show.
        """
        while True:
            try:
                await self._deliver(link)
            except StreamError as error:
                if error.code or self._tired():
                    raise
                log.info("%s; connecting again", error)
            finally:
                await link.close()
            self.figures.connected = False
            if self._fruitless:
                pause = _FIRST_PAUSE_S * 2.0 ** min(self._fruitless, 16)
                await asyncio.sleep(min(pause, _LONGEST_FRUITLESS_S) * _jitter())
            self._fruitless += 1
            link = await self._again()
            self.figures.connected = True
            self.figures.reconnects += 1

    async def _again(self) -> Link:
        """A new link to the same show, as soon as there is one."""
        pause, patience = _FIRST_PAUSE_S, _FIRST_CONNECT_S
        while True:
            link = self._connect(patience)
            try:
                self._check_same(await opened_in_time(link))
            except StreamError as error:
                await link.close()
                if error.code or self._tired():
                    raise
                log.debug("%s", error)
            except BaseException:
                await link.close()
                raise
            else:
                return link
            await asyncio.sleep(pause * _jitter())
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            patience = min(_CONNECT_GROWTH * patience, _LONGEST_CONNECT_S)

    def _tired(self) -> bool:
        """Whether nothing has come for so long that it is to be given up."""
        now = time.monotonic()
        if self._troubled_since is None:
            self._troubled_since = now
        return now - self._troubled_since > self._give_up_s

    def _check_same(self, opened: Opened) -> None:
        known, found = self._segments.index.chunks, opened.index.chunks
        # A live show grows, and lies elsewhere in its file once it is finished: times, sizes and digests stay.
        grown = self._opened.live and len(found) >= len(known)
        if not (grown or len(found) == len(known)) or not all(map(_alike, known, found)):
            raise StreamError("the show has changed on the server; open it again", code="show")
        if len(found) > len(known):
            self._extend(opened.index)
        if not opened.live:
            self._segments.finish()

    def _extend(self, index: Index) -> None:
        self._segments.extend(index)
        self.figures.grown_at = time.monotonic()

    async def _deliver(self, link: Link) -> None:
        self._coming, self._flowing, self._progress = None, True, None
        self._meter.rest()
        receiving = asyncio.create_task(self._receive(link))
        try:
            self._steer(link)
            while True:
                moving = asyncio.create_task(self.moved.wait())
                await asyncio.wait((receiving, moving), timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
                moving.cancel()
                self.moved.clear()
                if receiving.done():
                    receiving.result()
                    return
                self._meter.tick(time.monotonic())
                self._steer(link)
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self, link: Link) -> None:
        while True:
            event = await link.receive()
            if isinstance(event, Left):
                log.info("the server leaves (%s)", event.reason)
                return
            self._take(event)
            self._steer(link)

    def _take(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Progress):
            if (
                self._progress is None
                or event.chunk != self._progress.chunk
                or event.received <= self._progress.received
            ):
                before = 0
            else:
                before = self._progress.received
            self._progress = event
            self.figures.bytes += event.received - before
            if self._flowing:  # what still comes afterwards was granted before: it may come slowly
                self._meter.add(event.received - before, now)
        elif isinstance(event, Arrived):
            self._progress, self._troubled_since, self._fruitless = None, None, 0
            self._meter.segment_done(now)
            self._segments.put(event.chunk, event.rung, event.data)
            self._coming = event.chunk + 1
        elif isinstance(event, Grown):
            self._extend(event.index)
        elif isinstance(event, Ended):
            self._segments.finish()
            self._coming = None
            self._meter.rest()

    def _steer(self, link: Link) -> None:
        """Let the link do what the buffer needs now."""
        wanted = self._segments.missing()
        chunks = self._segments.index.chunks
        if wanted is None:
            if self._flowing and self._progress is None:
                self._flowing = False
                link.flow(False)
                self._meter.rest()
            return
        if not self._flowing:
            self._flowing = True
            link.flow(True)
            self._meter.begin(time.monotonic())
        if wanted != self._coming:
            self._begin(link, wanted)
        elif wanted == len(chunks) and self._progress is None:
            self._meter.rest()  # at the live edge nothing is late
        elif self._progress is not None and wanted < len(chunks):
            self._perhaps_give_up(link, self._progress)
        elif wanted < len(chunks):
            self._switch(link, wanted)

    def _choose(self, chunk: int) -> int:
        rung = self._chooser.choose(self._rates(chunk), now=time.monotonic())
        self.figures.switches += self._last_choice is not None and rung != self._last_choice
        self._last_choice = rung
        return rung

    def _begin(self, link: Link, chunk: int) -> None:
        chunks = self._segments.index.chunks
        at = min(chunk, len(chunks) - 1)
        self._rung = self._choose(at)
        # Behind the newest chunk of a live show: the newest comes once more, and then each as it is made.
        self._coming, self._progress = chunk, None
        link.begin(chunks[at].start, self._rung)
        self._meter.begin(time.monotonic())

    def _switch(self, link: Link, chunk: int) -> None:
        rung = self._choose(chunk)
        if rung != self._rung:
            self._rung = rung
            link.switch(rung)

    def _perhaps_give_up(self, link: Link, under_way: Progress) -> None:
        segments = self._segments.index.chunks[under_way.chunk].segments
        self._switch(link, under_way.chunk)
        if self._rung == under_way.rung:
            return
        left, lower = 8 * (under_way.total - under_way.received), 8 * segments[self._rung].length
        if self._chooser.gives_up(left_bits=left, lower_bits=lower, buffer_s=self._segments.ahead_s()):
            self.figures.given_up += 1
            self._begin(link, under_way.chunk)

    def _rates(self, chunk: int) -> Sequence[float]:
        """Bits per second of each rung around a chunk, the most of the next ones."""
        chunks = self._segments.index.chunks[chunk : chunk + _RATES_OF]
        return [
            max(8 * c.segments[rung].length / float(c.duration) for c in chunks)
            for rung in range(len(chunks[0].segments))
        ]


async def opened_in_time(link: Link) -> Opened:
    """What the link's `open` gives. Raises as that, and StreamError where manifest and index take far too long."""
    try:
        async with asyncio.timeout(_LONGEST_OPEN_S):
            return await link.open()
    except TimeoutError as error:
        raise StreamError(
            f"manifest and index did not come within {_LONGEST_OPEN_S:g} s; the network is too slow for any show"
        ) from error


def _jitter() -> float:
    """Not all players at once; it needs no seed."""
    return random.uniform(0.8, 1.2)


def _alike(a: ChunkEntry, b: ChunkEntry) -> bool:
    sizes = [[(s.length, s.digest) for s in chunk.segments] for chunk in (a, b)]
    return (a.start, a.duration, a.frame_count, sizes[0]) == (b.start, b.duration, b.frame_count, sizes[1])
