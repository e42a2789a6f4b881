"""The client's end of a session: messages in, events and messages out, no socket and no clock. SPEC section 8.

What the server says is believed only as far as it was asked for: parts come in order, of the generation and at a rung
that were subscribed, within the credit, with the sizes that the index promised. Checksums take time: whoever takes a
segment checks it.
"""

from __future__ import annotations

import io
from collections import Counter, deque
from dataclasses import dataclass, field
from fractions import Fraction

from protocol import limits
from protocol.container import decode_front
from protocol.errors import FormatError, StreamError
from protocol.fields import printable
from protocol.index import Index, extended
from protocol.session import messages
from protocol.session.events import Arrived, Ended, Event, Grown, Left, Opened, Ponged, Progress
from protocol.session.messages import (
    FRONT,
    LIVE,
    Appended,
    Bye,
    Credit,
    End,
    Error,
    Hello,
    Message,
    PartHead,
    Ping,
    Pong,
    Subscribe,
    Switch,
    Welcome,
    decode_message,
    decode_part,
    encode_message,
    is_part,
)

__all__ = ["Arrived", "ClientSession", "Ended", "Event", "Grown", "Left", "Opened", "Ponged", "Progress"]


@dataclass
class _Assembly:
    """The parts of the front or of one segment, put together as they come: no more memory than they have bytes."""

    chunk: int
    rung: int
    total: int
    received: int = 0
    _bytes: io.BytesIO = field(default_factory=io.BytesIO)

    def add(self, payload: memoryview) -> None:
        self.received += self._bytes.write(payload)

    @property
    def left(self) -> int:
        return self.total - self.received

    def whole(self) -> bytes:
        return self._bytes.getvalue()  # which copies nothing


class ClientSession:
    """One session with a server.

    Attributes:
        outgoing: messages that the wire has to send, in order.
        granted: bytes that the server may still send.
    """

    def __init__(self, *, show: str, token: str, agent: str, credit: int) -> None:
        """Prepare; a hello is waiting in `outgoing`.

        Args:
            show: the name by which the server knows it.
            token: what lets the client in, or empty.
            agent: the client's name and version.
            credit: bytes that the server may send at once, to begin with.

        Raises:
            FormatError: no server would take such a hello.
        """
        self.outgoing: deque[bytes] = deque()
        self.granted = credit
        self._name = show
        self._welcome: Welcome | None = None
        self._grows = False
        self._front: _Assembly | None = None
        self._segment: _Assembly | None = None
        self._index: Index | None = None
        self._generation = self._ended = 0
        self._rungs: set[int] = set()
        self._pings: Counter[int] = Counter()  # not answered yet
        self._next_chunk: int | None = None
        self._send(Hello(messages.VERSIONS, show, token, agent, (LIVE,), credit))

    @property
    def due(self) -> bool:
        """Whether the server owes something that no lack of credit holds back: its welcome, the front, a segment."""
        return self._welcome is None or 0 < self._owed() <= self.granted

    @property
    def index(self) -> Index:
        """As far as it is known. Raises StreamError before the show is open."""
        if self._index is None:
            raise StreamError(f"'{self._name}' is not open yet; wait for it")
        return self._index

    def subscribe(self, time: Fraction | None, *, rung: int) -> None:
        """Ask for all segments from the chunk at `time` on, None for the newest. Whatever was under way is dropped.

        Raises StreamError before the show is open, unless the newest chunk is asked for.
        """
        chunk = None if time is None else self.index.chunk_at(time)
        # The chunk's own start: exact in any case, and no later chunk that only the server knows yet.
        start = None if chunk is None else self.index.chunks[chunk].start
        self._generation += 1
        self._segment, self._next_chunk, self._rungs = None, chunk, {rung}
        self._send(Subscribe(self._generation, start, rung))

    def switch(self, rung: int) -> None:
        """Ask for another rung from the next chunk on that the server has not begun."""
        self._rungs.add(rung)
        self._send(Switch(self._generation, rung))

    def grant(self, count: int) -> None:
        """Let the server send `count` bytes more. Raises FormatError where that is none, or too many at once."""
        if self.granted + count > limits.MAX_CREDIT_BYTES:
            raise FormatError(f"{self.granted} and {count} bytes granted; at most {limits.MAX_CREDIT_BYTES} may be")
        self._send(Credit(count))
        self.granted += count

    def ping(self, number: int) -> None:
        """Ask for a sign of life."""
        self._pings[number] += 1
        self._send(Ping(number))

    def leave(self, reason: str) -> None:
        """Say goodbye."""
        self._send(Bye(printable(reason)))

    def receive(self, data: bytes | memoryview) -> list[Event]:
        """Take one message. Nothing of `data` is kept: a wire may use its memory for the next one.

        Raises:
            StreamError: with a code, the server refuses and would again; without one it breaks the protocol, or its
                trouble may pass.
            FormatError: what it sends is no show, or is damaged.
        """
        if not is_part(data):
            return self._take(decode_message(bytes(data)))
        head, payload = decode_part(data)
        self.granted -= len(payload)
        if self.granted < 0:
            raise StreamError("the server sends more than it was granted")
        return self._take_front(head, payload) if head.kind == FRONT else self._take_segment(head, payload)

    def _send(self, message: Message) -> None:
        self.outgoing.append(encode_message(message))

    def _opened(self) -> Index:
        if self._index is None:
            raise StreamError("the server sends what belongs behind the front before it")
        return self._index

    def _owed(self) -> int:
        """Bytes of the next part that the server can send at least, 0 where there is nothing to send."""
        under_way = self._front or self._segment
        if under_way is not None:
            return min(under_way.left, limits.MIN_PART_BYTES)
        if self._index is None or not self._generation:
            return 0
        number = len(self._index.chunks) - 1 if self._next_chunk is None else self._next_chunk
        if number >= len(self._index.chunks):
            return 0
        segments = self._index.chunks[number].segments
        return min(limits.MIN_PART_BYTES, max(segments[rung].length for rung in self._rungs))

    def _take(self, message: Message) -> list[Event]:
        if isinstance(message, Error):
            code = "" if message.code in messages.PASSING_CODES else message.code
            raise StreamError(f"the server refuses '{self._name}': {message.message}", code=code)
        if isinstance(message, Bye):
            return [Left(message.reason)]
        if isinstance(message, Welcome):
            return self._take_welcome(message)
        if isinstance(message, Pong):
            if not self._pings[message.id]:
                raise StreamError("the server answers a ping that was not sent")
            self._pings[message.id] -= 1
            return [Ponged(message.id)]
        if isinstance(message, Appended):
            return self._take_growth(message)
        if isinstance(message, End):
            return self._take_end(message)
        raise StreamError(f"a server does not send {type(message).__name__.lower()}")

    def _take_welcome(self, message: Welcome) -> list[Event]:
        if self._welcome is not None:
            raise StreamError("the server welcomes twice")
        if message.version not in messages.VERSIONS:
            raise StreamError(f"the server chose protocol {message.version}, which was not offered", code="version")
        self._welcome, self._grows = message, message.live
        self._front = _Assembly(0, 0, message.front_bytes)
        return []

    def _take_growth(self, message: Appended) -> list[Event]:
        index = self._opened()
        if not self._grows or message.first != len(index.chunks):
            raise StreamError(f"the server appends chunk {message.first} to a show of {len(index.chunks)}")
        self._index = extended(index, message.rows)
        return [Grown(self._index)]

    def _take_end(self, message: End) -> list[Event]:
        chunks = len(self._opened().chunks)
        if not self._ended < message.generation <= self._generation or message.chunks != chunks:
            raise StreamError(f"the server ends a show of {chunks} chunks after {message.chunks}, or twice")
        self._grows, self._ended = False, message.generation
        if message.generation < self._generation:
            return []
        if self._segment is not None or self._next_chunk != chunks:
            raise StreamError("the server ends the show before its last chunk")
        return [Ended()]

    def _take_front(self, head: PartHead, payload: memoryview) -> list[Event]:
        front = self._front
        if front is None or self._welcome is None or (head.offset, head.total) != (front.received, front.total):
            raise StreamError("the server sends the front out of order")
        front.add(payload)
        if front.left:
            return []
        self._front = None
        header, manifest, index = decode_front(front.whole(), name=self._name)
        if header.front_bytes != front.total:
            raise FormatError(f"{self._name}: {front.total} bytes of front, of which {header.front_bytes} are used")
        self._index = index
        return [Opened(manifest, self._index, self._welcome.live)]

    def _take_segment(self, head: PartHead, payload: memoryview) -> list[Event]:
        index = self._opened()
        if head.generation > self._generation:
            raise StreamError(f"the server sends generation {head.generation}, which nobody asked for")
        if head.generation < self._generation:
            return []
        if self._segment is None:
            self._segment = self._begin(head, index)
        segment = self._segment
        wanted = (segment.chunk, segment.rung, segment.received, segment.total)
        if (head.chunk, head.rung, head.offset, head.total) != wanted:
            raise StreamError(f"the server sends parts of chunk {segment.chunk} out of order")
        segment.add(payload)
        progress = Progress(segment.chunk, segment.rung, segment.received, segment.total)
        if segment.left:
            return [progress]
        self._segment, self._next_chunk = None, segment.chunk + 1
        return [progress, Arrived(segment.chunk, segment.rung, segment.whole())]

    def _begin(self, head: PartHead, index: Index) -> _Assembly:
        expected = head.chunk if self._next_chunk is None else self._next_chunk
        if head.chunk != expected or head.chunk >= len(index.chunks):
            raise StreamError(f"the server sends chunk {head.chunk}; {expected} of {len(index.chunks)} is next")
        if head.rung not in self._rungs or head.rung >= index.rung_count:
            raise StreamError(f"the server sends rung {head.rung}, which nobody asked for")
        if head.total != index.chunks[head.chunk].segments[head.rung].length:
            raise StreamError(f"the server says that chunk {head.chunk} has {head.total} bytes; its index differs")
        return _Assembly(head.chunk, head.rung, head.total)
