"""One client's session between the shelf and a wire: what WebSocket and ZeroMQ have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from protocol import limits
from protocol.errors import StorageError
from protocol.serve.metrics import Metrics
from protocol.serve.shelf import FilePart, ServedShow, Shelf
from protocol.session.messages import FRONT, Bye, Error, Hello, decode_message
from protocol.session.server import PlannedPart, ServerSession

log = logging.getLogger(__name__)

_LEAST_NAMED_BYTES = 64 * limits.KIB  # of less, a copy costs less than a write of its own


def agent() -> str:
    """What this server calls itself."""
    try:
        return f"lfv/{version('lfv')}"
    except PackageNotFoundError:
        return "lfv"


class Delivery:
    """A session with its show. The wire gives it messages, and takes `next` whenever it has room.

    Attributes:
        parting: the last message, an Error or a Bye, once `next` has given it out.
    """

    def __init__(self, shelf: Shelf, metrics: Metrics, *, transport: str, wake: Callable[[], None], now: float) -> None:
        """Prepare.

        Args:
            transport: which metrics it counts for: "websocket" or "zeromq".
            wake: called when `next` may have something that it had not: a live show has grown.
            now: seconds of the clock that all later calls use.
        """
        self._shelf, self._metrics, self._transport, self._wake = shelf, metrics, transport, wake
        self._session = ServerSession(self._find, agent=agent(), now=now)
        self._show: ServedShow | None = None
        self._forget: Callable[[], None] | None = None
        self._midway = False
        self._leaving: str | None = None
        self.parting: Error | Bye | None = None

    @property
    def closing(self) -> bool:
        """The wire sends what `next` still gives, then closes."""
        return self._session.closing

    @property
    def show(self) -> ServedShow | None:
        """What the client was let in to."""
        return self._show

    def receive(self, data: bytes, *, now: float) -> None:
        """Take one message of the client."""
        self._session.receive(data, now=now)

    def tick(self, now: float) -> None:
        """Enforce the deadlines; call about once a second."""
        self._session.tick(now)

    def fail(self, code: str, message: str) -> None:
        """End the session with an error to the client."""
        self._session.fail(code, message)

    def leave(self, reason: str, *, at_once: bool = False) -> None:
        """Say goodbye once the segment under way is sent, or at once where none is. Call `next` until it is empty."""
        if self._midway and not at_once:
            self._leaving = reason
        else:
            self._session.leave(reason)

    def next(self) -> tuple[bytes, bytes] | None:
        """The next message in two pieces, so that nobody has to join them; the second may be empty."""
        message = self._next(read=True)
        if message is None:
            return None
        head, payload = message
        assert isinstance(payload, bytes)
        return head, payload

    def next_unread(self) -> tuple[bytes, bytes | FilePart] | None:
        """The same for a wire that can send from a file: a long part that lies in one is only named."""
        return self._next(read=False)

    def _next(self, *, read: bool) -> tuple[bytes, bytes | FilePart] | None:
        message = self._session.next()
        if message is None:
            return None
        if isinstance(message, PlannedPart):
            return self._part(message, read=read)
        if self.closing and self.parting is None:
            self._part_ways(message)
        return message, b""

    def close(self) -> None:
        """The connection is gone. Harmless when called again."""
        if self._forget is not None:
            self._forget()
        if self._show is not None:
            self._metrics.sessions[self._transport] -= 1
            self._metrics.watching[self._show.name] -= 1
        self._show = self._forget = None

    def _find(self, hello: Hello) -> ServedShow:
        show = self._shelf.find(hello.show, hello.token)
        self._show, self._forget = show, show.on_growth(self._grown)
        self._metrics.sessions[self._transport] += 1
        self._metrics.watching[show.name] += 1
        return show

    def _grown(self) -> None:
        if self._show is not None and self._show.lost:
            self.fail("storage", self._show.lost)
        self._wake()

    def _part(self, part: PlannedPart, *, read: bool) -> tuple[bytes, bytes | FilePart] | None:
        head = part.head
        if head.kind == FRONT:
            payload: bytes | FilePart = self._session.front_bytes(part)
        else:
            assert self._show is not None
            try:
                payload = _payload(self._show, part, read=read)
            except StorageError as error:
                log.warning("%s", error)
                # Where the file lies is the server's own affair.
                self.fail("storage", f"the server cannot read chunk {head.chunk} of '{self._show.name}'")
                return self._next(read=read)
        self._midway = head.offset + part.length < head.total
        self._metrics.parts[self._transport] += 1
        if not self._midway:
            self._metrics.segments[self._transport] += head.kind != FRONT
            if self._leaving is not None:
                self._session.leave(self._leaving)
        return part.head_bytes, payload

    def _part_ways(self, message: bytes) -> None:
        last = decode_message(message)
        if isinstance(last, Error | Bye):
            self.parting = last
        if isinstance(last, Error):
            self._metrics.errors[last.code] += 1
            log.info("%s session ended: %s: %s", self._transport, last.code, last.message)


def _payload(show: ServedShow, part: PlannedPart, *, read: bool) -> bytes | FilePart:
    place = (part.head.chunk, part.head.rung, part.head.offset, part.length)
    found = None if read or part.length < _LEAST_NAMED_BYTES else show.locate(*place)
    return show.read(*place) if found is None else found
