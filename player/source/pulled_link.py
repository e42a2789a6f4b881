"""A link that fetches segments itself, one after the other, from what does not send by itself: a file, a web server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Protocol

from player.source.address import Address
from player.source.link import Delivery, check_rung
from player.source.mailbox import Mailbox
from protocol.errors import LfvError, StreamError
from protocol.limits import MIB
from protocol.session.client import Arrived, Ended, Opened, Progress

_UNREAD_BYTES = 32 * MIB  # nothing more is fetched while so many are here and nobody takes them


Segment = tuple[int, int]  # chunk and rung
Ahead = Callable[[], Segment | None]


class Fetcher(Protocol):
    """Where the bytes come from. One call at a time; a cancelled one leaves it usable."""

    async def open(self) -> Opened:
        """As Link.open."""

    async def fetch(self, segment: Segment, *, progress: Callable[[int], None], ahead: Ahead) -> bytes:
        """The segment's bytes, as many as the index says. Raises LfvError.

        Args:
            segment: which.
            progress: told how many bytes are here.
            ahead: says, once, what comes next, where that may begin already. It need not be asked.
        """

    async def close(self) -> None:
        """Let go of everything."""


class PulledLink:
    """A link (see player.source.link) over a fetcher. The show does not grow."""

    def __init__(self, address: Address, fetcher: Fetcher) -> None:
        self._address, self._fetcher = address, fetcher
        self._mail = Mailbox()
        self._opened: Opened | None = None
        self._rung = 0
        self._flows = True
        self._room = asyncio.Event()
        # A new task begins when the one before it, which was cancelled, has let go of the fetcher.
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Opened:
        """See Link."""
        try:
            self._opened = await self._fetcher.open()
        except BaseException:
            await self.close()
            raise
        return self._opened

    def begin(self, time: Fraction | None, rung: int) -> None:
        """See Link."""
        index = self._opened_for(rung).index
        chunk = len(index.chunks) - 1 if time is None else index.chunk_at(time)
        for task in self._tasks:
            task.cancel()
        self._mail.drop_segments()
        self._rung = rung
        if self._mail.error is None:
            task = asyncio.get_running_loop().create_task(self._deliver(chunk))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def switch(self, rung: int) -> None:
        """See Link."""
        self._opened_for(rung)
        self._rung = rung

    def flow(self, open: bool) -> None:
        """See Link."""
        self._flows = open
        self._room.set()

    async def receive(self) -> Delivery:
        """See Link."""
        event = await self._mail.get()
        assert not isinstance(event, Opened)
        self._room.set()
        return event

    async def close(self) -> None:
        """See Link."""
        self._mail.fail(StreamError(f"{self._address.text} is closed"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.close()

    async def _deliver(self, first: int) -> None:
        async with self._turn:
            try:
                assert self._opened is not None
                chunks = self._opened.index.chunks
                begun: Segment | None = None

                def ahead() -> Segment | None:
                    nonlocal begun
                    if chunk + 1 < len(chunks) and self._has_room:
                        begun = chunk + 1, self._rung
                    return begun

                for chunk in range(first, len(chunks)):
                    if begun is None:
                        await self._wait_for_room()
                    segment, begun = begun or (chunk, self._rung), None
                    total = chunks[chunk].segments[segment[1]].length
                    data = await self._fetcher.fetch(segment, progress=partial(self._tell, segment, total), ahead=ahead)
                    self._mail.put(Arrived(*segment, data))
                self._mail.put(Ended())
            except LfvError as error:
                self._mail.fail(error)

    def _tell(self, segment: Segment, total: int, received: int) -> None:
        self._mail.put(Progress(*segment, received, total))

    @property
    def _has_room(self) -> bool:
        return self._flows and self._mail.unread <= _UNREAD_BYTES

    async def _wait_for_room(self) -> None:
        while not self._has_room:
            self._room.clear()
            await self._room.wait()

    def _opened_for(self, rung: int) -> Opened:
        if self._opened is None:
            raise StreamError(f"{self._address.text} is not open yet; wait for it")
        check_rung(self._address, rung, self._opened.index)
        return self._opened
