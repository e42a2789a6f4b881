"""One client of the ZeroMQ port: its session, and the message that ZeroMQ has not taken yet."""

from __future__ import annotations

import logging
import os
from enum import Enum, auto

import zmq

from protocol.errors import StorageError
from protocol.serve.buffers import BufferPool
from protocol.serve.delivery import Delivery
from protocol.serve.shelf import FilePart
from protocol.serve.zeromq_doors import Door

log = logging.getLogger(__name__)

# Numbers, since the library's enumerations cost more than the call that they are for.
_MORE = int(zmq.SNDMORE | zmq.NOBLOCK)
# Shorter messages are copied by ZeroMQ anyway, since that is faster than to account for them.
_COPIED_BYTES = zmq.COPY_THRESHOLD
# A peer that has taken nothing so many times in a row is left alone for a while, longer each time.
_EAGER = 6
_FIRST_WAIT_S, _LAST_WAIT_S = 0.001, 0.05


class Outcome(Enum):
    """What became of an attempt to send."""

    SENT = auto()
    IDLE = auto()  # nothing to send
    FULL = auto()  # as much is under way as may be
    GONE = auto()


class Peer:
    """A client that has said something.

    Attributes:
        identity: what the ROUTER calls it.
        retry_at: where ZeroMQ took no more: when another attempt is worth it, seconds of the loop's clock.
        queued: its turn to send will come.
        over_at: since when its session is over.
    """

    def __init__(self, identity: bytes, door: Door, delivery: Delivery) -> None:
        self.identity, self.door, self.delivery = identity, door, delivery
        self.retry_at = 0.0
        self.queued = False
        self.over_at: float | None = None
        self._misses = 0
        self._next: tuple[bytes, bytes | FilePart] | None = None

    def send(self, router: zmq.Socket[bytes], pool: BufferPool, now: float) -> tuple[Outcome, int]:
        """Send one message, without waiting -> what became of it, and its bytes."""
        if self._next is None:
            self._next = self.delivery.next_unread()
        if self._next is None:
            return Outcome.IDLE, 0
        try:
            # Once this is taken, ZeroMQ takes what follows, too: nothing is read before.
            router.send(self.identity, _MORE)
        except zmq.Again:
            self._misses += 1
            if self._misses > _EAGER:
                self.retry_at = now + min(_LAST_WAIT_S, _FIRST_WAIT_S * 2 ** min(self._misses - _EAGER, 8))
            return Outcome.FULL, 0
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return Outcome.GONE, 0
        message = self._read(pool)
        router.send(message, 0, len(message) < _COPIED_BYTES)
        self._next, self._misses, self.retry_at = None, 0, 0.0
        return Outcome.SENT, len(message)

    def _read(self, pool: BufferPool) -> bytes | memoryview:
        """The next message in one piece; where its file fails, the error that ends the session instead."""
        assert self._next is not None
        head, payload = self._next
        if isinstance(payload, bytes):
            return head + payload
        message = pool.take(len(head) + payload.length)
        message[: len(head)] = head
        try:
            _read_into(payload, message[len(head) :])
        except StorageError as error:
            log.warning("%s", error)
            self.delivery.fail("storage", f"the server cannot read '{payload.name}' any more")
            last = self.delivery.next_unread()
            assert last is not None and isinstance(last[1], bytes)
            return last[0] + last[1]
        return message


def _read_into(part: FilePart, target: memoryview) -> None:
    """Fill `target` with the part. Raises StorageError."""
    done = 0
    while done < part.length:
        try:
            count = os.preadv(part.descriptor, [target[done:]], part.start + done)
        except OSError as error:
            raise StorageError(f"cannot read '{part.name}': {(error.strerror or str(error)).lower()}") from error
        if not count:
            raise StorageError(f"the file of '{part.name}' was cut short while it was served")
        done += count
