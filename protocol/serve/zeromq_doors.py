"""The connections behind a ROUTER socket, which itself tells of none: who they are, when they end, how to cut one."""

from __future__ import annotations

import contextlib
import os
import socket as sockets
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import zmq

from protocol import limits

_EVENT = struct.Struct("=HI")  # what has happened, and the number of the connection's descriptor
_UNSENT_BYTES = limits.MIB  # that the kernel holds beyond what is on its way; less costs a wake-up for each piece
_UNREAD_BYTES = 4 * limits.MAX_MESSAGE_BYTES  # of a message that does not end
_NO_LINGER = struct.pack("ii", 1, 0)
_RECEIVED = slice(128, 136)  # of Linux' struct tcp_info: bytes that have come


@dataclass(eq=False)
class Door:
    """One connection.

    Attributes:
        socket: our own descriptor of it; ZeroMQ has another.
        address: of the client, without its port.
        since: when it was made, seconds of the loop's clock.
        busy: why the client gets no service, or None.
        identity: of the peer behind it, once that has said something.
        messages: so many have come.
    """

    socket: sockets.socket
    address: str
    since: float
    busy: str | None = None
    identity: bytes | None = None
    messages: int = 0
    _seen: tuple[int, int] = (0, 0)

    def close(self) -> None:
        """End the connection behind what is on its way; ZeroMQ notices."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(sockets.SHUT_RDWR)

    def cut(self) -> None:
        """End it at once, and let the client know, even if it does not read."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _NO_LINGER)
        self.close()

    def floods(self) -> bool:
        """Whether far more bytes have come than a message may have, and no message, since this was asked before.

        ZeroMQ limits frames, not the number of frames of a message, and keeps them until the last is there.
        """
        try:
            info = self.socket.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _RECEIVED.stop)
        except OSError:
            return False
        if len(info) < _RECEIVED.stop:
            return False
        received = int.from_bytes(info[_RECEIVED], sys.byteorder)
        messages, mark = self._seen
        if self.messages != messages or not mark:
            self._seen = self.messages, received
            return False
        return received - mark > _UNREAD_BYTES


class Doors:
    """All connections of one socket."""

    def __init__(
        self,
        router: zmq.Socket[bytes],
        *,
        opened: Callable[[Door], None],
        closed: Callable[[Door], None],
        stall_s: float,
    ) -> None:
        """Before the socket listens.

        Args:
            opened: called with each new connection.
            closed: called with each that has ended.
            stall_s: the system ends a connection whose other end has taken nothing of what waits for so long.
        """
        self.monitor = router.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._router, self._opened, self._closed = router, opened, closed
        self._stall_ms = round(1000 * stall_s)
        self._by_number: dict[int, Door] = {}
        self._by_address: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Door]:
        return iter(list(self._by_number.values()))

    def __len__(self) -> int:
        return len(self._by_number)

    def of(self, frame: zmq.Frame) -> Door | None:
        """The connection by which a frame came, None where that has ended, or speaks ZeroMQ of before 2013."""
        try:
            number = frame.get(zmq.SRCFD)
        except zmq.ZMQError:
            # Peers without ZMTP 3 bring no word of where they are; random bytes may look like one of them.
            return None
        return self._by_number.get(number) if isinstance(number, int) else None

    def count_of(self, address: str) -> int:
        """Connections of one address."""
        return self._by_address[address]

    def update(self, now: float) -> None:
        """Take note of what has happened until `now`."""
        while True:
            try:
                event, _ = self.monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            kind, number = _EVENT.unpack(event)
            self._leave(number)
            if kind == zmq.EVENT_ACCEPTED:
                self._enter(number, now)

    def close(self) -> None:
        """Let go of all connections, before the socket is closed."""
        self._router.disable_monitor()
        self.monitor.close(0)
        for number in list(self._by_number):
            self._leave(number)

    def _enter(self, number: int, now: float) -> None:
        try:
            # Closed by now, or even another connection's: then its end comes next, before anything is done with it.
            found = sockets.socket(fileno=os.dup(number))
        except OSError:
            return
        try:
            found.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
            found.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT, self._stall_ms)
            # The socket is one of IPv6, which writes the addresses of IPv4 in a way of its own.
            address = str(found.getpeername()[0]).removeprefix("::ffff:")
        except OSError:
            found.close()
            return
        door = self._by_number[number] = Door(found, address, now)
        self._by_address[address] += 1
        self._opened(door)

    def _leave(self, number: int) -> None:
        door = self._by_number.pop(number, None)
        if door is None:
            return
        self._by_address[door.address] -= 1
        if not self._by_address[door.address]:
            del self._by_address[door.address]
        door.socket.close()
        self._closed(door)
