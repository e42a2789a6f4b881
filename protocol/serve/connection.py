"""What all connections of the HTTP port share: who is in, how long anything may take, how much waits to be written."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from protocol import limits
from protocol.serve.access import is_local
from protocol.serve.http import Site
from protocol.serve.outlet import Outlet
from protocol.serve.shelf import FilePart

log = logging.getLogger(__name__)

# What the kernel holds unsent beyond what is on its way: little, so that after a seek little of the old still comes,
# and so that a slow reader is seen to read.
_UNSENT_BYTES = 256 * limits.KIB
_IN_WORDS = 64  # connections over the limit that are told so; more are closed without a word


@dataclass(frozen=True)
class Deadlines:
    """Seconds. Each is looked at every `sweep_s`; with what lingers, nobody who is slow on purpose stays for 10 s.

    Attributes:
        request_s: from a request's first byte, or a connection's start, to the end of its header.
        message_s: from the first byte of a WebSocket message to its last; the first one's begins with the handshake.
        idle_s: between two requests.
        stall_s: without the client taking a byte of what waits for it.
        linger_s: for the other end to close after the last word.
    """

    request_s: float = 7.0
    message_s: float = 7.0
    idle_s: float = 30.0
    stall_s: float = 20.0
    linger_s: float = 2.0
    sweep_s: float = 0.5


@dataclass
class House:
    """What the connections of one server share.

    Attributes:
        max_clients: connections at once.
        max_per_address: of one address; this machine's own have no such limit: proxies and tunnels come from them.
        draining: no new work is taken.
    """

    site: Site
    deadlines: Deadlines = field(default_factory=Deadlines)
    max_clients: int = 1000
    max_per_address: int = 256
    draining: bool = False
    connections: set[Connection] = field(default_factory=set)
    by_address: Counter[str] = field(default_factory=Counter)

    def enter(self, connection: Connection, address: str) -> str | None:
        """Count a connection in -> why it gets no service, if so."""
        self.connections.add(connection)
        self.by_address[address] += 1
        if len(self.connections) > self.max_clients:
            return f"the server has {self.max_clients} clients and takes no more; try again later"
        if self.by_address[address] > self.max_per_address and not is_local(address):
            return f"the server takes {self.max_per_address} connections of one address; close some"
        return None

    def leave(self, connection: Connection, address: str) -> None:
        """Count it out."""
        self.connections.discard(connection)
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]

    def overrun(self, address: str) -> bool:
        """Even words to those who get no service would be too many."""
        crowd = len(self.connections) > self.max_clients + _IN_WORDS
        return crowd or (self.by_address[address] > self.max_per_address + _IN_WORDS and not is_local(address))


class Handler(Protocol):
    """What a connection speaks at the moment: HTTP, or WebSocket."""

    @property
    def kind(self) -> str:
        """Its name in the metrics."""

    @property
    def active(self) -> bool:
        """A drain waits for what is under way."""

    def received(self, data: bytes) -> None:
        """Take bytes of the client."""

    def room(self) -> None:
        """The connection can be written to again."""

    def sweep(self, now: float) -> None:
        """Enforce deadlines of its own."""

    def start_drain(self) -> None:
        """Take no new work, end what is under way."""

    def end_drain(self) -> None:
        """Time is over: say the last word now."""

    def ended(self) -> bool:
        """The client says no more -> whether there is still something to send to it."""

    def lost(self) -> None:
        """The connection is gone."""


class Connection(asyncio.Protocol):
    """One TCP connection, driven by callbacks: no task waits for a client.

    Attributes:
        address: of the client, without its port.
        busy: why this client gets no service, or None.
    """

    transport: asyncio.Transport
    outlet: Outlet
    handler: Handler

    def __init__(self, house: House, first: Callable[[Connection], Handler]) -> None:
        """Prepare. `first`: makes the handler of a connection that was just made."""
        self.house = house
        self._first = first
        self.address = ""
        self.busy: str | None = None
        self._taken = 0
        self._moved = 0.0
        self._closing = self._heard = False
        self._ended_at: float | None = None

    @property
    def now(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()

    @property
    def active(self) -> bool:
        """A drain waits for it."""
        return self.handler.active or self._closing

    @property
    def closing(self) -> bool:
        """The last word is said."""
        return self._closing or self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.outlet = Outlet(transport, room=self._room, failed=self._failed)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._moved = self.now
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self.busy = self.house.enter(self, self.address)
        if self.busy is not None:
            self.house.site.metrics.refused["busy"] += 1
        self.handler = self._first(self)
        self.house.site.metrics.opened(self.handler.kind)
        if self.house.overrun(self.address):
            transport.abort()

    def change(self, handler: Handler) -> None:
        """Speak something else from now on."""
        self.house.site.metrics.closed(self.handler.kind)
        self.house.site.metrics.opened(handler.kind)
        self.handler = handler

    def data_received(self, data: bytes) -> None:
        if not self._closing:
            self.handler.received(data)

    def eof_received(self) -> bool:
        keep = not self._closing and self.handler.ended()
        return keep and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        self.outlet.pause()

    def resume_writing(self) -> None:
        self.outlet.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.outlet.close()
        self.house.leave(self, self.address)
        self.house.site.metrics.closed(self.handler.kind)
        self.handler.lost()

    def write(self, data: bytes) -> None:
        """Send, or keep until the client takes it."""
        self.house.site.metrics.sent[self.handler.kind] += len(data)
        self.outlet.write(data)

    def send(self, part: FilePart) -> None:
        """Send a range of a file, as soon as the client takes it."""
        self.house.site.metrics.sent[self.handler.kind] += part.length
        self.outlet.send(part)

    def close(self, *, heard: bool) -> None:
        """Close once all is sent.

        Args:
            heard: nothing more can come of the client. Otherwise it gets the time to read first: a close with bytes of
                the client unread would be a reset, which takes the last word from it again.
        """
        if not self._closing:
            self._closing, self._heard = True, heard
            self.transport.resume_reading()
            self._end_if_sent()

    def cut(self, reason: str) -> None:
        """Close at once, and count why."""
        log.info("connection from %s cut: %s", self.address, reason)
        self.house.site.metrics.refused[reason] += 1
        self.transport.abort()

    def sweep(self, now: float) -> None:
        """Enforce all deadlines."""
        deadlines, taken = self.house.deadlines, self.outlet.taken
        if taken > self._taken or not (self.outlet.full or self.outlet.backlog):
            self._taken, self._moved = taken, now
        if now - self._moved > deadlines.stall_s:
            self.cut("stalled")
        elif not self._closing:
            self.handler.sweep(now)
        elif self._ended_at is None:
            self._end_if_sent()
        elif now - self._ended_at > deadlines.linger_s:
            # TLS has still to send what tells the end from a cut.
            self.transport.close()

    def _room(self) -> None:
        if self._closing:
            self._end_if_sent()
        else:
            self.handler.room()

    def _end_if_sent(self) -> None:
        if self.outlet.full or self.outlet.backlog or self.transport.is_closing():
            return
        self._ended_at = self.now
        if self._heard:
            self.transport.close()
        elif self.transport.can_write_eof():
            try:
                self.transport.write_eof()
            except OSError:  # the client is gone
                self.transport.abort()

    def _failed(self, error: OSError) -> None:
        """The client was promised more: only a cut tells it that it did not get it."""
        log.warning("%s", error)
        self.cut("storage")
