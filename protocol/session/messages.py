"""Every message of a session and its bytes. Parts are binary, all others msgpack maps. SPEC section 8.2, 8.3."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction

from protocol import limits
from protocol.errors import FormatError
from protocol.fields import Document, Fields, integer, pack_document, text, unpack_document

VERSIONS = (1,)  # that this program speaks
LIVE = "live"  # the capability to follow a show that grows

# msgpack never uses this byte, so the first byte tells a part from a map.
PART_MARK = 0xC1
FRONT, SEGMENT = 0, 1
_PART = struct.Struct("<BBHIIII")  # mark, kind, rung, generation, chunk, offset, total
PART_HEADER_BYTES = _PART.size

# A client that is told one of these may try again; all other codes would come again. SPEC 8.5.
PASSING_CODES = ("timeout", "busy", "storage")
ERROR_CODES = (
    "version",
    "capability",
    "token",
    "origin",
    "show",
    "rung",
    "credit",
    "generation",
    "message",
    "limit",
    *PASSING_CODES,
)


@dataclass(frozen=True)
class Hello:
    """The client's first message. `credit`: bytes of parts that the server may send at once."""

    versions: tuple[int, ...]
    show: str
    token: str
    agent: str
    capabilities: tuple[str, ...]
    credit: int


@dataclass(frozen=True)
class Welcome:
    """The server's answer. `front_bytes` follow as parts: header, manifest and index as in a file."""

    version: int
    agent: str
    capabilities: tuple[str, ...]
    live: bool
    front_bytes: int


@dataclass(frozen=True)
class Subscribe:
    """Segments from the chunk at `time` seconds on, None for the newest; whatever was under way is stale."""

    generation: int
    time: Fraction | None
    rung: int


@dataclass(frozen=True)
class Switch:
    """The rung of every chunk that has not begun."""

    generation: int
    rung: int


@dataclass(frozen=True)
class Credit:
    """That many more bytes of parts may be sent."""

    bytes: int


@dataclass(frozen=True)
class Ping:
    """Asks for a Pong with the same number, and says that the client lives."""

    id: int


@dataclass(frozen=True)
class Pong:
    """The answer to the newest Ping that was not answered yet."""

    id: int


@dataclass(frozen=True)
class Appended:
    """A live show has grown: rows of its index (SPEC 3.2) from chunk `first` on."""

    first: int
    rows: bytes


@dataclass(frozen=True)
class End:
    """All `chunks` of the show have been sent to this generation, and no more will come."""

    generation: int
    chunks: int


@dataclass(frozen=True)
class Bye:
    """The sender will close; another connection may be tried later."""

    reason: str


@dataclass(frozen=True)
class Error:
    """The sender closes now, because of what the other end asked for."""

    code: str
    message: str


@dataclass(frozen=True)
class PartHead:
    """What a part is of: `offset` of `total` bytes of the front or of a segment; generation 0 is the front's."""

    kind: int
    generation: int
    chunk: int
    rung: int
    offset: int
    total: int


Message = Hello | Welcome | Subscribe | Switch | Credit | Ping | Pong | Appended | End | Bye | Error


def encode_message(message: Message) -> bytes:
    """Message -> bytes. Raises FormatError where the other end would refuse it."""
    kind = type(message).__name__.lower()
    document: Document = {"type": kind}
    for field in fields(message):
        value = getattr(message, field.name)
        if isinstance(value, Fraction):
            value = [value.numerator, value.denominator]
        document[field.name] = list(value) if isinstance(value, tuple) else value
    data = pack_document(document)
    decode_message(data)
    return data


def decode_message(data: bytes) -> Message:
    """Bytes of anything but a part -> Message, every field checked. Raises FormatError."""
    f = unpack_document(data, name="message", max_bytes=limits.MAX_MESSAGE_BYTES, max_items=limits.MAX_MESSAGE_ITEMS)
    kind = f.text("type", choices=tuple(_READERS))
    return _READERS[kind](Fields(f.values, kind))


def is_part(data: bytes | memoryview) -> bool:
    """Whether a message is a part."""
    return len(data) > 0 and data[0] == PART_MARK


def encode_part_head(head: PartHead) -> bytes:
    """PartHead -> the 20 bytes in front of the payload."""
    return _PART.pack(PART_MARK, head.kind, head.rung, head.generation, head.chunk, head.offset, head.total)


def decode_part(data: bytes | memoryview) -> tuple[PartHead, memoryview]:
    """A part -> its head and its payload, a view. Raises FormatError."""
    if len(data) <= PART_HEADER_BYTES:
        raise FormatError("a part has no payload")
    payload = memoryview(data)[PART_HEADER_BYTES:]
    _, kind, rung, generation, chunk, offset, total = _PART.unpack_from(data)
    head = PartHead(kind, generation, chunk, rung, offset, total)
    _check_place(head)
    _check_size(head, len(payload))
    return head, payload


def _check_place(head: PartHead) -> None:
    place = f"kind {head.kind}, generation {head.generation}, chunk {head.chunk}, rung {head.rung}"
    if head.kind == FRONT:
        right = not (head.generation or head.chunk or head.rung)
    else:
        right = head.generation > 0 and head.chunk < limits.MAX_CHUNKS and head.rung < limits.MAX_RUNGS
    if head.kind not in (FRONT, SEGMENT) or not right:
        raise FormatError(f"a part is of {place}")


def _check_size(head: PartHead, length: int) -> None:
    most = limits.MAX_FRONT_BYTES if head.kind == FRONT else limits.MAX_SEGMENT_BYTES
    if head.total > most:
        raise FormatError(f"a part is of {head.total} bytes; at most {most} are allowed")
    left = head.total - head.offset
    # Small ones would cost a client many times their bytes.
    least = min(left, limits.MIN_PART_BYTES)
    if length > left or not least <= length <= limits.MAX_PART_BYTES:
        raise FormatError(f"a part has {length} bytes of the {left} from byte {head.offset} on")


def _versions(f: Fields) -> tuple[int, ...]:
    items = f.items("versions", least=1, most=limits.MAX_VERSIONS)
    return tuple(integer(v, f.name(f"versions[{i}]"), low=0, high=(1 << 32) - 1) for i, v in enumerate(items))


def _capabilities(f: Fields) -> tuple[str, ...]:
    items = f.items("capabilities", most=limits.MAX_CAPABILITIES)
    return tuple(text(v, f.name(f"capabilities[{i}]"), empty=False) for i, v in enumerate(items))


def _hello(f: Fields) -> Hello:
    return Hello(
        versions=_versions(f),
        show=f.text("show"),
        token=f.text("token"),
        agent=f.text("agent"),
        capabilities=_capabilities(f),
        credit=f.integer("credit", low=0, high=limits.MAX_CREDIT_BYTES),
    )


def _welcome(f: Fields) -> Welcome:
    return Welcome(
        version=f.integer("version", low=0, high=(1 << 32) - 1),
        agent=f.text("agent"),
        capabilities=_capabilities(f),
        live=f.flag("live"),
        front_bytes=f.integer("front_bytes", low=1, high=limits.MAX_FRONT_BYTES),
    )


def _subscribe(f: Fields) -> Subscribe:
    time = None if f.get("time") is None else f.fraction("time", above=-1, high=limits.MAX_DURATION_S)
    if time is not None and time < 0:
        raise FormatError(f"{f.name('time')} is {time}; a show starts at 0")
    return Subscribe(_generation(f), time, _rung(f))


def _generation(f: Fields) -> int:
    return f.integer("generation", low=1, high=limits.MAX_GENERATION)


def _rung(f: Fields) -> int:
    return f.integer("rung", low=0, high=limits.MAX_RUNGS - 1)


def _id(f: Fields) -> int:
    return f.integer("id", low=0, high=(1 << 32) - 1)


def _appended(f: Fields) -> Appended:
    first, rows = f.integer("first", low=1, high=limits.MAX_CHUNKS - 1), f.blob("rows", most=limits.MAX_MESSAGE_BYTES)
    if not rows:
        raise FormatError(f"{f.name('rows')} must not be empty")
    return Appended(first, rows)


_READERS: dict[str, Callable[[Fields], Message]] = {
    "hello": _hello,
    "welcome": _welcome,
    "subscribe": _subscribe,
    "switch": lambda f: Switch(_generation(f), _rung(f)),
    "credit": lambda f: Credit(f.integer("bytes", low=1, high=limits.MAX_CREDIT_BYTES)),
    "ping": lambda f: Ping(_id(f)),
    "pong": lambda f: Pong(_id(f)),
    "appended": _appended,
    "end": lambda f: End(_generation(f), f.integer("chunks", low=1, high=limits.MAX_CHUNKS)),
    "bye": lambda f: Bye(f.text("reason")),
    "error": lambda f: Error(f.text("code", empty=False), f.text("message")),
}
