"""The server's end of a session: messages in, messages out, no socket and no clock of its own. SPEC section 8.

The wire asks `next` for one message whenever it has room, so that nothing piles up here: parts are planned only when
the client's credit and the wire both admit them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protocol import limits
from protocol.errors import FormatError, StreamError
from protocol.fields import printable
from protocol.header import decode_header
from protocol.index import Index, row_bytes
from protocol.session import messages
from protocol.session.allowance import Allowance
from protocol.session.growth import growth
from protocol.session.messages import (
    FRONT,
    LIVE,
    SEGMENT,
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
    encode_message,
    encode_part_head,
)

HELLO_S = 7.0  # for the first message; with what a wire adds, nobody who is slow on purpose stays for 10 s
SILENCE_S = 30.0  # without any message of the client


class Delivered(Protocol):
    """A show as a session sees it."""

    @property
    def live(self) -> bool:
        """More chunks may come."""

    @property
    def front(self) -> bytes:
        """Header, manifest and index as they are now, no byte more."""

    @property
    def index(self) -> Index:
        """Of the chunks that are there; it only grows. Where segments lie in it does not matter."""


@dataclass(frozen=True)
class PlannedPart:
    """A part whose payload the wire fetches itself: `length` bytes from `head.offset` on of the front or a segment."""

    head: PartHead
    length: int

    @property
    def head_bytes(self) -> bytes:
        return encode_part_head(self.head)


@dataclass
class _Position:
    """Where a generation stands: the next byte of a segment, and the rung of those that have not begun."""

    generation: int
    chunk: int
    next_rung: int
    rung: int = 0  # of the segment that has begun
    offset: int = 0
    ended: bool = False


class ServerSession:
    """One client's session.

    What it holds for a client is bounded whatever that does: a few short messages, and the front until it is sent.

    Attributes:
        hello: what the client said, once it is let in.
        show: what it is let in to.
        closing: the session is over: the wire sends what `next` still gives, then closes.
    """

    def __init__(self, find: Callable[[Hello], Delivered], *, agent: str, now: float) -> None:
        """Prepare.

        Args:
            find: the show that a hello asks for; raises StreamError with a code where it is refused, nothing else.
            agent: the server's name and version.
            now: seconds of any steady clock; all later times are of the same.
        """
        self._find, self._agent = find, agent
        self._out: deque[bytes] = deque()
        self._pong: bytes | None = None
        self._credit = 0
        self._front: bytes = b""
        self._front_total = self._front_sent = 0
        self._first_segment = self._announced = 0
        self._position: _Position | None = None
        self._started = self._heard = now
        self._allowance = Allowance(now=now)
        self.hello: Hello | None = None
        self.show: Delivered | None = None
        self.closing = False

    def receive(self, data: bytes, *, now: float) -> None:
        """Take one message. Whatever is wrong with it is answered with an error, after which the session closes."""
        if self.closing:
            return
        self._heard = now
        try:
            if not self._allowance.take(len(data), now=now):
                raise StreamError(f"more than {limits.MAX_MESSAGES_PER_S} messages a second", code="limit")
            self._take(decode_message(data))
        except FormatError as error:
            self.fail("message", str(error))
        except StreamError as error:
            self.fail(error.code, str(error))

    def next(self) -> bytes | PlannedPart | None:
        """The next message for the wire, or None until something is received or the show grows."""
        if self._out:
            return self._out.popleft()
        if self.show is None or self.closing:
            return None
        if self._pong is not None:
            pong, self._pong = self._pong, None
            return pong
        if self._front_sent < self._front_total:
            return self._plan_front()
        self._front = b""  # of a live show it is this client's own
        grown = self._growth(self.show)
        return grown if grown is not None else self._plan_segment(self.show)

    def front_bytes(self, part: PlannedPart) -> bytes:
        """The payload of a part of the front; only until `next` is called again."""
        return self._front[part.head.offset : part.head.offset + part.length]

    def tick(self, now: float) -> None:
        """Enforce the deadlines; call about once a second."""
        if self.closing:
            return
        if self.hello is None and now - self._started > HELLO_S:
            self.fail("timeout", f"no hello within {HELLO_S:g} s")
        elif now - self._heard > SILENCE_S:
            self.fail("timeout", f"no message for {SILENCE_S:g} s; send a ping at least that often")

    def fail(self, code: str, message: str) -> None:
        """End the session with an error to the client. Any text will do: what a message may not hold is replaced."""
        self._end(Error(printable(code) or "message", printable(message)))

    def leave(self, reason: str) -> None:
        """End the session because the server goes away."""
        self._end(Bye(printable(reason)))

    def _end(self, message: Message) -> None:
        if not self.closing:
            self._out.append(encode_message(message))
            self.closing = True

    def _take(self, message: Message) -> None:
        if isinstance(message, Hello):
            self._welcome(message)
            return
        if self.show is None:
            raise StreamError("the first message must be a hello", code="message")
        if isinstance(message, Credit):
            self._grant(message)
        elif isinstance(message, Ping):
            self._pong = encode_message(Pong(message.id))
        elif isinstance(message, Subscribe):
            self._subscribe(message, self.show)
        elif isinstance(message, Switch):
            self._switch(message, self.show)
        elif isinstance(message, Bye):
            self.closing = True
        else:
            raise StreamError(f"a client does not send {type(message).__name__.lower()}", code="message")

    def _welcome(self, hello: Hello) -> None:
        if self.hello is not None:
            raise StreamError("a second hello", code="message")
        version = _common_version(hello.versions)
        show = self._find(hello)
        if show.live and LIVE not in hello.capabilities:
            raise StreamError("the show is live, which this client cannot follow", code="capability")
        self.hello, self.show, self._credit = hello, show, hello.credit
        self._front, self._announced = show.front, len(show.index.chunks)
        self._front_total, self._first_segment = len(self._front), decode_header(self._front).first_segment
        self._out.append(encode_message(Welcome(version, self._agent, (LIVE,), show.live, self._front_total)))

    def _grant(self, credit: Credit) -> None:
        self._credit += credit.bytes
        if self._credit > limits.MAX_CREDIT_BYTES:
            raise StreamError(f"credit of more than {limits.MAX_CREDIT_BYTES} bytes", code="credit")

    def _subscribe(self, message: Subscribe, show: Delivered) -> None:
        newest = 0 if self._position is None else self._position.generation
        if message.generation <= newest:
            raise StreamError(f"generation {message.generation} after {newest}; each must be higher", code="generation")
        chunks = len(show.index.chunks)
        chunk = chunks - 1 if message.time is None else show.index.chunk_at(message.time)
        self._position = _Position(message.generation, chunk, _checked_rung(message.rung, show))

    def _switch(self, message: Switch, show: Delivered) -> None:
        position = self._position
        if position is None or message.generation > position.generation:
            raise StreamError(f"a switch of generation {message.generation} before it began", code="generation")
        if message.generation == position.generation:
            position.next_rung = _checked_rung(message.rung, show)

    def _growth(self, show: Delivered) -> bytes | None:
        told = growth(show.index, self._announced, first_segment=self._first_segment)
        if told is None:
            return None
        self._announced += len(told.rows) // row_bytes(show.index.rung_count)
        return encode_message(told)

    def _plan_front(self) -> PlannedPart | None:
        head = PartHead(FRONT, 0, 0, 0, self._front_sent, self._front_total)
        length = self._affordable(head)
        self._front_sent += length
        return PlannedPart(head, length) if length else None

    def _plan_segment(self, show: Delivered) -> bytes | PlannedPart | None:
        position = self._position
        if position is None or position.ended:
            return None
        chunks = show.index.chunks
        if position.chunk >= len(chunks):
            if show.live:
                return None
            position.ended = True
            return encode_message(End(position.generation, len(chunks)))
        if position.offset == 0:
            position.rung = position.next_rung
        total = chunks[position.chunk].segments[position.rung].length
        head = PartHead(SEGMENT, position.generation, position.chunk, position.rung, position.offset, total)
        length = self._affordable(head)
        if not length:
            return None
        position.offset += length
        if position.offset == total:
            position.chunk, position.offset = position.chunk + 1, 0
        return PlannedPart(head, length)

    def _affordable(self, head: PartHead) -> int:
        """Bytes of the next part, taken from the credit; 0 where that does not reach.

        A quarter of the credit, so that the next ones are on their way while the client answers the first.
        """
        left = head.total - head.offset
        if self._credit < min(left, limits.MIN_PART_BYTES):
            return 0
        length = min(left, self._credit, limits.MAX_PART_BYTES, max(limits.MIN_PART_BYTES, self._credit // 4))
        self._credit -= length
        return length


def _common_version(theirs: tuple[int, ...]) -> int:
    """The newest that both ends speak. Raises StreamError."""
    version = max(set(theirs) & set(messages.VERSIONS), default=None)
    if version is None:
        ours = ", ".join(map(str, messages.VERSIONS))
        told = ", ".join(map(str, theirs))
        raise StreamError(
            f"this server speaks protocol {ours}, the client {told}; update the older one", code="version"
        )
    return version


def _checked_rung(rung: int, show: Delivered) -> int:
    if rung >= show.index.rung_count:
        raise StreamError(f"rung {rung} of {show.index.rung_count}", code="rung")
    return rung
