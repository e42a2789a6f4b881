"""The client's end of a session: messages in, events and messages out, no socket and no clock. SPEC section 8.

What the server says is believed only as far as it was asked for: parts come in order, of the generation that was
subscribed, within the credit, with the sizes that the index promised. Checksums take time: whoever takes a segment
checks it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

from protocol.container import decode_front
from protocol.errors import StreamError
from protocol.index import Index, extended
from protocol.manifest import Manifest
from protocol.session import messages
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


@dataclass(frozen=True, eq=False)
class Opened:
    """The show's manifest and index are here."""

    manifest: Manifest
    index: Index
    live: bool


@dataclass(frozen=True)
class Progress:
    """Bytes of a segment have come; `received` of `total` are here."""

    chunk: int
    rung: int
    received: int
    total: int


@dataclass(frozen=True, eq=False)
class Arrived:
    """A whole segment; `container.check_segment` says whether it is the one that the index promises."""

    chunk: int
    rung: int
    data: bytes


@dataclass(frozen=True, eq=False)
class Grown:
    """A live show has more chunks."""

    index: Index


@dataclass(frozen=True)
class Ended:
    """Everything has been sent to the end of the show, which grows no more."""


@dataclass(frozen=True)
class Ponged:
    id: int


@dataclass(frozen=True)
class Left:
    """The server goes away for a reason of its own; another connection may be tried."""

    reason: str


Event = Opened | Progress | Arrived | Grown | Ended | Ponged | Left


@dataclass
class _Assembly:
    """The parts of the front or of one segment, as they come."""

    chunk: int
    rung: int
    total: int
    received: int = 0
    pieces: list[memoryview] = field(default_factory=list)

    def add(self, payload: memoryview) -> None:
        self.pieces.append(payload)
        self.received += len(payload)

    @property
    def whole(self) -> bool:
        return self.received == self.total

    def join(self) -> bytes:
        return b"".join(self.pieces)


class ClientSession:
    """One session with a server. `outgoing` holds the messages that the wire has to send, in order."""

    def __init__(self, *, show: str, token: str, agent: str, credit: int) -> None:
        """Prepare; a hello is waiting in `outgoing`.

        Args:
            show: the name by which the server knows it.
            token: what lets the client in, or empty.
            agent: the client's name and version.
            credit: bytes that the server may send at once, to begin with.
        """
        self.outgoing: deque[bytes] = deque()
        self.granted = credit
        self._name = show
        self._welcome: Welcome | None = None
        self._front: _Assembly | None = None
        self._segment: _Assembly | None = None
        self._index: Index | None = None
        self._generation = 0
        self._next_chunk: int | None = None
        self._send(Hello(messages.VERSIONS, show, token, agent, (LIVE,), credit))

    @property
    def due(self) -> bool:
        """Bytes are on their way as far as this end knows: the front, or a segment that has begun."""
        return self._index is None or self._segment is not None

    @property
    def index(self) -> Index:
        """As far as it is known. Raises StreamError before the show is open."""
        if self._index is None:
            raise StreamError(f"'{self._name}' is not open yet; wait for it")
        return self._index

    def subscribe(self, time: Fraction | None, *, rung: int) -> None:
        """Ask for all segments from the chunk at `time` on, None for the newest. Whatever was under way is dropped."""
        self._generation += 1
        self._segment = None
        self._next_chunk = None if time is None else self.index.chunk_at(time)
        self._send(Subscribe(self._generation, time, rung))

    def switch(self, rung: int) -> None:
        """Ask for another rung from the next chunk on that the server has not begun."""
        self._send(Switch(self._generation, rung))

    def grant(self, count: int) -> None:
        """Let the server send `count` bytes more."""
        self.granted += count
        self._send(Credit(count))

    def ping(self, number: int) -> None:
        """Ask for a sign of life."""
        self._send(Ping(number))

    def leave(self, reason: str) -> None:
        """Say goodbye."""
        self._send(Bye(reason))

    def receive(self, data: bytes) -> list[Event]:
        """Take one message.

        Raises:
            StreamError: the server refuses, with its code; or it breaks the protocol, without one.
            FormatError: what it sends is no show, or is damaged.
        """
        if is_part(data):
            head, payload = decode_part(data)
            self.granted -= len(payload)
            if self.granted < 0:
                raise StreamError("the server sends more than it was granted")
            return self._take_front(head, payload) if head.kind == FRONT else self._take_segment(head, payload)
        return self._take(decode_message(data))

    def _send(self, message: Message) -> None:
        self.outgoing.append(encode_message(message))

    def _take(self, message: Message) -> list[Event]:
        if isinstance(message, Error):
            raise StreamError(f"the server refuses '{self._name}': {message.message}", code=message.code)
        if isinstance(message, Bye):
            return [Left(message.reason)]
        if isinstance(message, Welcome):
            if self._welcome is not None or message.version not in messages.VERSIONS:
                raise StreamError(f"the server welcomes twice, or with protocol {message.version}")
            self._welcome = message
            self._front = _Assembly(0, 0, message.front_bytes)
            return []
        if self._index is None:
            raise StreamError(f"the server sends {type(message).__name__.lower()} before the show")
        if isinstance(message, Pong):
            return [Ponged(message.id)]
        if isinstance(message, Appended):
            if message.first != len(self._index.chunks):
                raise StreamError(f"the server appends chunk {message.first} after {len(self._index.chunks)}")
            self._index = extended(self._index, message.rows)
            return [Grown(self._index)]
        if isinstance(message, End):
            if message.generation > self._generation or message.chunks != len(self._index.chunks):
                raise StreamError("the server ends what was not begun")
            return [Ended()] if message.generation == self._generation else []
        raise StreamError(f"a server does not send {type(message).__name__.lower()}")

    def _take_front(self, head: PartHead, payload: memoryview) -> list[Event]:
        front = self._front
        if front is None or head.total != front.total or head.offset != front.received:
            raise StreamError("the server sends the front out of order")
        front.add(payload)
        if not front.whole:
            return []
        self._front = None
        _, manifest, self._index = decode_front(front.join(), name=self._name)
        assert self._welcome is not None
        return [Opened(manifest, self._index, self._welcome.live)]

    def _take_segment(self, head: PartHead, payload: memoryview) -> list[Event]:
        index = self.index
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
        if not segment.whole:
            return [progress]
        self._segment, self._next_chunk = None, segment.chunk + 1
        return [progress, Arrived(segment.chunk, segment.rung, segment.join())]

    def _begin(self, head: PartHead, index: Index) -> _Assembly:
        expected = head.chunk if self._next_chunk is None else self._next_chunk
        if head.chunk != expected or head.chunk >= len(index.chunks) or head.rung >= index.rung_count:
            raise StreamError(f"the server sends chunk {head.chunk} rung {head.rung}; {expected} is next")
        if head.total != index.chunks[head.chunk].segments[head.rung].length:
            raise StreamError(f"the server says that chunk {head.chunk} has {head.total} bytes; its index differs")
        return _Assembly(head.chunk, head.rung, head.total)
