"""tcp://: one session message is one single-frame message between a DEALER and the server's ROUTER."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket as sockets
import struct
import sys
import termios

import zmq

from player.source.address import Address
from player.source.link import LinkOptions
from player.source.session_link import Receiver, SessionLink, Wire
from protocol.errors import StreamError, UsageError
from protocol.limits import MAX_PART_BYTES
from protocol.session.messages import PART_HEADER_BYTES

_QUEUE = 64  # messages on either side; parts that wait here are within the credit, unless a server lies
_AT_ONCE = 16  # messages, before others on the loop have their turn
_LINGER_MS = 200  # for a goodbye
_EVENT = struct.Struct("=HI")  # of a monitor: what has happened, and the number of the connection's descriptor
_LOOK_S = 0.25
_UNENDING_BYTES = 4 * MAX_PART_BYTES  # without a whole message among them
_RECEIVED = slice(128, 136)  # of Linux' struct tcp_info: bytes that have come
_HANDSHAKE_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
)
_DOWN = (zmq.EVENT_CLOSED, zmq.EVENT_DISCONNECTED, *_HANDSHAKE_FAILED)
_WATCHED = zmq.EVENT_CONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | sum(_DOWN)


def link(address: Address, options: LinkOptions) -> SessionLink:
    """A link to a tcp:// address."""
    return SessionLink(address, options, dial)


async def dial(address: Address, options: LinkOptions, receiver: Receiver) -> Wire:
    """Connect and shake hands. Raises StreamError, UsageError; OSError of the network."""
    loop = asyncio.get_running_loop()
    # ZeroMQ keeps to itself what it cannot resolve or reach: names are resolved here, and each address is tried once.
    found = await loop.getaddrinfo(address.host, address.port, type=sockets.SOCK_STREAM)
    lost = StreamError(f"{address.text} has no address")
    for family, *_, (host, *_) in found:
        endpoint = f"[{host}]" if family == sockets.AF_INET6 else host
        wire = _ZeroMqWire(address, options, receiver)
        try:
            await wire.connect(f"tcp://{endpoint}:{address.port}")
            return wire
        except StreamError as error:
            wire.abort()
            lost = error
        except BaseException:
            wire.abort()
            raise
    raise lost


class _ZeroMqWire:
    """See session_link.Wire. One socket, one monitor that tells of its connection, both watched by the loop."""

    def __init__(self, address: Address, options: LinkOptions, receiver: Receiver) -> None:
        self._address, self._receiver = address, receiver
        self._encrypted = options.server_key is not None
        self._loop = asyncio.get_running_loop()
        self._up: asyncio.Future[None] = self._loop.create_future()
        self._closed = False
        self._draining = False
        self._connection: sockets.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._bytes = self._read = self._bytes_of_unfinished = 0
        self._took = False
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._monitor = self._socket.get_monitor_socket(_WATCHED)
        try:
            self._set_up(options)
        except BaseException:
            self._release(linger_ms=0)
            self._context.term()
            raise

    def _set_up(self, options: LinkOptions) -> None:
        for option, value in (
            (zmq.MAXMSGSIZE, PART_HEADER_BYTES + MAX_PART_BYTES),
            (zmq.RCVHWM, _QUEUE),
            (zmq.SNDHWM, _QUEUE),
            (zmq.RECONNECT_IVL, -1),  # the player opens a new link, which says hello
            (zmq.IPV6, 1),
        ):
            self._socket.setsockopt(option, value)
        if options.server_key is not None:
            public, secret = zmq.curve_keypair()
            try:
                self._socket.curve_serverkey = options.server_key.encode("ascii")
            except (ValueError, zmq.ZMQError) as error:
                raise UsageError("the server's key must have 40 characters of Z85; 'lfv serve' prints it") from error
            self._socket.curve_publickey, self._socket.curve_secretkey = public, secret

    async def connect(self, endpoint: str) -> None:
        """Raises StreamError where there is nobody, or somebody else."""
        self._loop.add_reader(self._monitor.fileno(), self._happened)
        self._loop.add_reader(self._socket.fileno(), self._drain)
        self._socket.connect(endpoint)
        # The first look arms the descriptors, which tell of changes only.
        self._loop.call_soon(self._happened)
        self._look()
        await self._up

    def send(self, message: bytes) -> None:
        if self._closed:
            return
        try:
            self._socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            # Or there is no connection any more, which the monitor knows by now.
            self._happened()
            if not self._closed:
                self._lose("does not read what it is sent")
            return
        # Sending may have taken in the news that something came.
        self._drain_soon()

    def abort(self) -> None:
        if not self._closed:
            self._release(linger_ms=0)
            self._context.term()

    async def close(self) -> None:
        if not self._closed:
            self._release(linger_ms=_LINGER_MS)
            await asyncio.to_thread(self._context.term)

    def _release(self, *, linger_ms: int) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._connection is not None:
            self._connection.close()
        for each in (self._monitor, self._socket):
            self._loop.remove_reader(each.fileno())
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(linger_ms)

    def _drain_soon(self) -> None:
        if not self._draining:
            self._draining = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._draining = False
        if self._take_some():
            self._drain_soon()

    def _take_some(self) -> bool:
        """Take messages that are here -> whether there may be more."""
        for _ in range(_AT_ONCE):
            if self._closed:
                return False
            try:
                frame = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return False
            if frame.more:
                self._receiver.lost(StreamError(f"{self._address.text} sends messages of several frames"))
                return False
            self._took = True
            self._receiver.take(frame.buffer)
        return True

    def _look(self) -> None:
        """Several times a second: whether bytes come, of which ZeroMQ says nothing before a message is whole.

        It limits the frames of a message, not how many there are, and keeps them all until the last is here.
        """
        self._timer = self._loop.call_later(_LOOK_S, self._look)
        received = _bytes_received(self._connection)
        if received > self._bytes:
            self._receiver.heard()
        self._bytes = received
        # What ZeroMQ had no time to read yet may well be whole messages.
        read = received - bytes_unread(self._connection)
        more, self._read = max(0, read - self._read), read
        while self._take_some():
            pass
        self._bytes_of_unfinished = 0 if self._took else self._bytes_of_unfinished + more
        self._took = False
        if not self._closed and self._bytes_of_unfinished > _UNENDING_BYTES:
            self._receiver.lost(StreamError(f"{self._address.text} sends messages without end"))

    def _happened(self) -> None:
        """The monitor tells what became of the connection."""
        while not self._closed:
            try:
                event, _endpoint = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            kind, number = _EVENT.unpack(event)
            if kind == zmq.EVENT_CONNECTED:
                # A descriptor of our own, since ZeroMQ closes its one when it likes; it may be gone by now.
                with contextlib.suppress(OSError):
                    self._connection = sockets.socket(fileno=os.dup(number))
            elif kind == zmq.EVENT_HANDSHAKE_SUCCEEDED and not self._up.done():
                self._up.set_result(None)
            elif kind in _HANDSHAKE_FAILED:
                self._lose(self._distrust())
            elif kind in _DOWN:
                self._lose("closed the connection" if self._up.done() else "cannot be reached; is the server running?")

    def _distrust(self) -> str:
        if self._encrypted:
            return "is not the server of this key, or does not encrypt; check --server-key"
        return "does not speak ZeroMQ, or only encrypted; give --server-key where 'lfv serve' prints a key"

    def _lose(self, reason: str) -> None:
        error = StreamError(f"{self._address.text} {reason}")
        if self._up.done():
            # What came before the end is still here.
            while self._take_some():
                pass
            self._receiver.lost(error)
        elif not self._up.cancelled():
            self._up.set_exception(error)


def _bytes_received(connection: sockets.socket | None) -> int:
    """By TCP, since its beginning; 0 where the system does not say."""
    if connection is None or not hasattr(sockets, "TCP_INFO"):
        return 0
    try:
        info = connection.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _RECEIVED.stop)
    except OSError:
        return 0
    return int.from_bytes(info[_RECEIVED], sys.byteorder)


def bytes_unread(connection: sockets.socket | None) -> int:
    """Of those that the system has received."""
    if connection is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0
