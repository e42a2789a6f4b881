"""A show from anywhere: a thread connects, fetches ahead, adapts the rung, and finds its way back after an outage."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

from player.abr import RungChooser
from player.feed import Stale
from player.fetch import Fetcher, FetchFigures, opened_in_time
from player.frames import rung_named
from player.segments import Reach, SegmentBuffer
from player.source.address import Address
from player.source.link import Link, LinkOptions, open_link
from protocol.chunk import Chunk
from protocol.errors import LfvError, StreamError
from protocol.index import Index
from protocol.manifest import Manifest
from protocol.session.client import Opened


@dataclass(frozen=True)
class LoaderConfig:
    """How a show is fetched.

    Attributes:
        rung: the name of the only one to use; None adapts.
        best: without `rung`: use the rung with the most bits and never another.
        ahead_s: seconds of the show that are fetched ahead.
        memory: bytes that segments may take, those that were played included.
        give_up_s: how long an outage may last.
        loop: after the end comes the start.
    """

    rung: str | None = None
    best: bool = False
    ahead_s: float = 12.0
    memory: int = 256 << 20
    give_up_s: float = 300.0
    loop: bool = True


@dataclass(frozen=True)
class LoaderFigures:
    """For people and benchmarks: the rung asked for now, bits per second, seconds ahead, and what happened so far."""

    rung: str
    locked: bool
    throughput: float | None
    ahead_s: float
    fetch: FetchFigures


class Loader:
    """A feed (`player.feed.Feed`) over the network or a file. Use it as a context manager."""

    def __init__(self, address: Address, options: LinkOptions, config: LoaderConfig | None = None) -> None:
        """Prepare; entering the context connects."""
        self.address, self.config = address, config or LoaderConfig()
        self._options = options
        self._ready: Future[Opened] = Future()
        self._thread = threading.Thread(target=self._work, name="lfv-fetch", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._segments: SegmentBuffer | None = None
        self._fetcher: Fetcher | None = None
        self._chooser: RungChooser | None = None
        self._intervals: float = 0.0

    def __enter__(self) -> Loader:
        """Connects and reads what the show is.

        Raises:
            StreamError, StorageError, FormatError: it cannot be had. UsageError: it has no such rung.
        """
        self._thread.start()
        try:
            self._opened = self._ready.result()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def manifest(self) -> Manifest:
        return self._opened.manifest

    @property
    def index(self) -> Index:
        """As far as it is known; grows while the show is live."""
        return self._buffer.index

    @property
    def live(self) -> bool:
        """More chunks may come."""
        return self._buffer.live

    @property
    def first(self) -> int:
        """The frame to begin with: the show's first, or that of a live show's newest chunk."""
        return self._opened.index.chunks[self._start(self._opened)].first_frame

    def edge(self) -> float:
        """Where the live edge is now, seconds of the show: it moves on between one chunk's news and the next's."""
        assert self._fetcher is not None
        newest = self.index.chunks[-1]
        since = time.monotonic() - self._fetcher.figures.grown_at
        return float(newest.end) + min(since, float(newest.duration))

    def chunk(self, number: int, stale: Stale) -> Chunk | None:
        """The chunk, waiting for it. Raises FormatError, StreamError, StorageError."""
        return self._buffer.take(number, stale)

    def spent(self, rung: int, seconds: float) -> None:
        """Told how long decoding or drawing one frame took."""
        if self._chooser is not None:
            self._chooser.spent(rung, seconds, interval=self._intervals, now=time.monotonic())

    def lock(self, rung: int | None) -> None:
        """Use this rung only, from the next chunk on; None adapts again."""
        assert self._chooser is not None
        self._chooser.lock(rung)
        self._wake()

    def figures(self) -> LoaderFigures:
        """What is going on."""
        assert self._chooser is not None and self._fetcher is not None
        return LoaderFigures(
            rung=self.manifest.rungs[self._chooser.current].name,
            locked=self._chooser.locked,
            throughput=self._chooser.throughput.estimate,
            ahead_s=self._buffer.ahead_s(),
            fetch=replace(self._fetcher.figures),
        )

    def close(self) -> None:
        """Disconnects and ends the thread."""
        if self._loop is not None and self._closing is not None:
            with suppress(RuntimeError):  # the loop may just have ended by itself
                self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def _buffer(self) -> SegmentBuffer:
        assert self._segments is not None, "the loader is not open"
        return self._segments

    def _wake(self) -> None:
        fetcher, loop = self._fetcher, self._loop
        if fetcher is not None and loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nothing is to be fetched any more
                loop.call_soon_threadsafe(fetcher.moved.set)

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            # Whatever ended the thread must not leave the player waiting for ever.
            if not self._ready.done():
                self._ready.set_exception(StreamError(f"{self.address.text} was given up"))

    async def _main(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        fetching = asyncio.create_task(self._fetch())
        closing = asyncio.create_task(self._closing.wait())
        await asyncio.wait((fetching, closing), return_when=asyncio.FIRST_COMPLETED)
        for task in (fetching, closing):
            task.cancel()
        fault, _ = await asyncio.gather(fetching, closing, return_exceptions=True)
        if isinstance(fault, Exception):
            if self._segments is not None:
                self._segments.fail(StreamError("fetching has failed by a fault of lfv; run it with -vv and report it"))
            raise fault

    async def _fetch(self) -> None:
        try:
            link = self._link(self._options.connect_s)
            try:
                opened = await opened_in_time(link)
                fetcher = self._prepare(opened)
            except BaseException:
                await link.close()
                raise
        except LfvError as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(opened)
        try:
            await fetcher.run(link)
        except LfvError as error:
            self._buffer.fail(error)

    def _prepare(self, opened: Opened) -> Fetcher:
        rungs = opened.manifest.rungs
        self._chooser = RungChooser(rungs)
        self._chooser.lock(_locked(opened.manifest, self.config))
        rate = opened.manifest.frame_rate
        self._intervals = 0.0 if rate is None else float(1 / rate)
        self._segments = SegmentBuffer(
            opened.index,
            Reach(self.config.ahead_s, self.config.memory),
            position=self._start(opened),
            live=opened.live,
            loop=self.config.loop,
        )
        self._segments.on_move = self._wake
        self._fetcher = Fetcher(
            self._link, self._segments, self._chooser, opened=opened, give_up_s=self.config.give_up_s
        )
        return self._fetcher

    def _start(self, opened: Opened) -> int:
        return len(opened.index.chunks) - 1 if opened.live else 0

    def _link(self, connect_s: float) -> Link:
        return open_link(self.address, replace(self._options, connect_s=connect_s))


def _locked(manifest: Manifest, config: LoaderConfig) -> int | None:
    return rung_named(manifest, config.rung) if config.rung is not None or config.best else None
