"""What a link has for the player: events in order, and behind them the error that ends it."""

from __future__ import annotations

import asyncio
from collections import deque

from player.source.link import Delivery
from protocol.errors import LfvError
from protocol.session.client import Arrived, Ended, Grown, Opened, Progress


class Mailbox:
    """Filled by the wire's callbacks, emptied by the player, on one loop. `unread` counts bytes of whole segments."""

    def __init__(self) -> None:
        self.unread = 0
        self._events: deque[Opened | Delivery] = deque()
        self._error: LfvError | None = None
        self._changed = asyncio.Event()

    @property
    def error(self) -> LfvError | None:
        """What ended the link, once something did."""
        return self._error

    def put(self, event: Opened | Delivery) -> None:
        """Add an event. News that an older event of its kind waits to tell take its place: the mailbox stays small."""
        if isinstance(event, Arrived):
            self.unread += len(event.data)
        if isinstance(event, Grown):
            for position, other in enumerate(self._events):
                if isinstance(other, Grown):
                    self._events[position] = event
                    return
        last = self._events[-1] if self._events else None
        if isinstance(event, Progress) and isinstance(last, Progress) and event.chunk == last.chunk:
            self._events.pop()
        self._events.append(event)
        self._changed.set()

    def fail(self, error: LfvError) -> None:
        """Whoever waits gets the error, after the events that are here. The first one counts."""
        if self._error is None:
            self._error = error
            self._changed.set()

    def drop_segments(self) -> None:
        """Forget what was delivered of a time that nobody wants any more."""
        self._events = deque(e for e in self._events if not isinstance(e, Progress | Arrived | Ended))
        self.unread = 0

    async def get(self) -> Opened | Delivery:
        """The next event. Raises the error where none is left."""
        while not self._events:
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        event = self._events.popleft()
        if isinstance(event, Arrived):
            self.unread -= len(event.data)
        return event
