"""What goes to one client, in order: bytes, and ranges of files that the kernel copies to the network itself."""

from __future__ import annotations

import asyncio
import errno
import os
from asyncio.trsock import TransportSocket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket

from protocol import limits
from protocol.serve.shelf import FilePart, shortened

_TURN_BYTES = 4 * limits.MIB  # to one client before the others have their turn
_SENT_AT_ONCE = limits.MIB  # so that a slow disk holds up the others no longer than that takes
# For TLS: bytes read at once, and what may wait in the process.
_PIECE_BYTES = 256 * limits.KIB
_LOW_WATER = 64 * limits.KIB
# What a file system says that knows no sendfile, and the system where there is no second descriptor to be had.
_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EMFILE, errno.ENFILE}
_GONE = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT}


@dataclass
class _Range:
    """A range of a file, of which more and more is sent."""

    part: FilePart
    start: int
    left: int


class Outlet:
    """Bytes go through the transport, files around it, whenever nothing is in front of them.

    asyncio's own sendfile needs a task for each transfer and a thread for each piece over TLS; this needs neither.
    """

    def __init__(
        self, transport: asyncio.Transport, *, room: Callable[[], None], failed: Callable[[OSError], None]
    ) -> None:
        """Prepare.

        Args:
            room: called when everything that waited has left, and more may be given.
            failed: called when a file cannot be sent to its end; the client cannot be told any more.
        """
        self._transport, self._room, self._failed = transport, room, failed
        self._native = transport.get_extra_info("sslcontext") is None
        if self._native:
            transport.set_write_buffer_limits(high=0)
        else:
            transport.set_write_buffer_limits(high=_PIECE_BYTES, low=_LOW_WATER)
        self._queue: deque[bytes | _Range] = deque()
        self._paused = False
        self._second: socket | None = None
        self._waiting = self._yielding = False
        self._given = 0

    @property
    def full(self) -> bool:
        """Something waits: give no more than what cannot be put off."""
        return self._paused or bool(self._queue)

    @property
    def backlog(self) -> int:
        """Bytes that wait in this process."""
        held = sum(len(item) for item in self._queue if isinstance(item, bytes))
        return held + self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken since the start."""
        return self._given - self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Send bytes behind what waits."""
        if self._queue:
            self._queue.append(data)
        else:
            self._pass_on(data)

    def send(self, part: FilePart) -> None:
        """Send a range of a file behind what waits."""
        self._queue.append(_Range(part, part.start, part.length))
        self._flush()

    def pause(self) -> None:
        """The transport has enough."""
        self._paused = True

    def resume(self) -> None:
        """The transport wants more.

        It gets it in the loop's next turn: asyncio (3.11) ends a transport twice whose write fails inside of this call.
        """
        self._paused = False
        self._yield()

    def close(self) -> None:
        """The connection is gone."""
        self._queue.clear()
        self._stop_waiting()
        if self._second is not None:
            self._second.close()
            self._second = None

    def _go_on(self) -> None:
        if self._yielding or self._transport.is_closing():
            return
        self._flush()
        if not self.full:
            self._room()

    def _flush(self) -> None:
        start = self._given
        while self._queue and not self._paused and not self._transport.is_closing():
            item = self._queue[0]
            if self._given - start > _TURN_BYTES:
                self._yield()
                return
            if isinstance(item, bytes):
                self._pass_on(item)
            elif not (self._send_natively(item) if self._native else self._send_piece(item)):
                return
            if isinstance(item, bytes) or not item.left:
                self._queue.popleft()
        self._stop_waiting()

    def _pass_on(self, data: bytes) -> None:
        self._given += len(data)
        self._transport.write(data)

    def _send_piece(self, item: _Range) -> bool:
        try:
            data = item.part.read(item.start, min(item.left, _PIECE_BYTES))
        except OSError as error:
            return self._give_up(error)
        self._advance(item, len(data))
        self._transport.write(data)
        return True

    def _send_natively(self, item: _Range) -> bool:
        try:
            sent = os.sendfile(self._descriptor(), item.part.descriptor, item.start, min(item.left, _SENT_AT_ONCE))
        except (BlockingIOError, InterruptedError):
            return self._wait()
        except OSError as error:
            if error.errno in _GONE:
                self._transport.abort()
                return False
            if error.errno not in _NOT_SUPPORTED:
                return self._give_up(error)
            self._native = False
            return True
        if not sent:
            return self._give_up(shortened(item.part.name))
        self._advance(item, sent)
        return True

    def _advance(self, item: _Range, count: int) -> None:
        item.start, item.left = item.start + count, item.left - count
        self._given += count

    def _give_up(self, error: OSError) -> bool:
        self._queue.clear()
        self._stop_waiting()
        self._failed(error)
        return False

    def _descriptor(self) -> int:
        # The loop lets nobody wait for a transport's own descriptor.
        if self._second is None:
            first: TransportSocket = self._transport.get_extra_info("socket")
            self._second = first.dup()
        return self._second.fileno()

    def _yield(self) -> None:
        if not self._yielding:
            self._yielding = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._yielding = False
        self._go_on()

    def _wait(self) -> bool:
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().add_writer(self._descriptor(), self._go_on)
        return False

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting = False
            asyncio.get_running_loop().remove_writer(self._descriptor())
