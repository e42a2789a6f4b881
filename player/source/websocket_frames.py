"""Takes whole binary messages out of a WebSocket's bytes; all else is left to the library. RFC 6455, section 5.

The library copies a message four times on its way; here its bytes go from the socket to where they stay. No socket
here, and no checks that the library makes: what is not the plain case is the library's, to the last byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from protocol.limits import KIB

_SCRATCH_BYTES = 4 * KIB
_WHOLE_BINARY = 0x82  # FIN, no extension, opcode 2
_HEAD_END = b"\r\n\r\n"
_U16, _U64 = struct.Struct(">H"), struct.Struct(">Q")


class FrameTaker:
    """Says where the next bytes go (`room`), and is told how many came (`came`)."""

    def __init__(self, *, most: int, take: Callable[[memoryview], None], other: Callable[[bytes], bool]) -> None:
        """Prepare; the bytes begin with the answer to the handshake.

        Args:
            most: bytes of a message; a longer one is left to the library.
            take: called with each whole binary message, whose memory is used again after that.
            other: called with all other bytes, in order; says whether the connection is open for messages. Once it is
                not, after the handshake's answer, all bytes are other ones.
        """
        self._most, self._take, self._other = most, take, other
        self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        self._kept = 0  # bytes of a frame's head that is not whole yet, at the scratch's beginning
        # One message after the other has the same memory: it stays in the processor's caches.
        self._memory = memoryview(b"")
        self._payload: memoryview | None = None
        self._filled = 0
        self._passing = 0  # bytes of a frame that is the library's
        self._answer = b""  # the last bytes of the handshake's answer
        self._framed = self._over = False

    def room(self) -> memoryview:
        """Where to put what comes next; never empty."""
        return self._scratch[self._kept :] if self._payload is None else self._payload[self._filled :]

    def came(self, count: int) -> None:
        """So many bytes were put into the room."""
        if self._payload is not None:
            self._filled += count
            if self._filled == len(self._payload):
                whole, self._payload = self._payload, None
                self._take(whole)
            return
        data, self._kept = self._scratch[: self._kept + count], 0
        while data:
            data = data[self._step(data) :]

    def _step(self, data: memoryview) -> int:
        """Deal with the first of these bytes -> how many."""
        if self._over:
            self._other(bytes(data))
            return len(data)
        if not self._framed:
            return self._pass_answer(bytes(data))
        if self._passing:
            count = min(self._passing, len(data))
            self._passing -= count
            self._over = not self._other(bytes(data[:count]))
            return count
        head = _head(data)
        if head is None:
            # At the beginning, where more of it will follow.
            self._scratch[: len(data)] = bytes(data)
            self._kept = len(data)
            return len(data)
        start, length = head
        if data[0] != _WHOLE_BINARY or data[1] & 0x80 or not 0 < length <= self._most:
            self._passing = start + length
            return 0
        if length > len(self._memory):
            self._memory = memoryview(bytearray(length))
        self._payload, self._filled = self._memory[:length], min(length, len(data) - start)
        self._payload[: self._filled] = data[start : start + self._filled]
        if self._filled == length:
            whole, self._payload = self._payload, None
            self._take(whole)
        return start + self._filled

    def _pass_answer(self, data: bytes) -> int:
        """The handshake's answer ends with an empty line."""
        seen = self._answer + data
        end = seen.find(_HEAD_END)
        count = len(data) if end < 0 else end + len(_HEAD_END) - len(self._answer)
        self._answer = seen[-3:]
        is_open = self._other(data[:count])
        self._framed = end >= 0
        self._over = self._framed and not is_open
        return count


def _head(data: memoryview) -> tuple[int, int] | None:
    """Where a frame's payload starts and how long it is; None where more bytes must come first."""
    if len(data) < 2:
        return None
    length, start = data[1] & 0x7F, 2
    if length == 126:
        start = 4
    elif length == 127:
        start = 10
    masked = 4 if data[1] & 0x80 else 0
    if len(data) < start:
        return None
    if start == 4:
        (length,) = _U16.unpack_from(data, 2)
    elif start == 10:
        (length,) = _U64.unpack_from(data, 2)
    return start + masked, length
