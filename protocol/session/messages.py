"""Every message of a session and its bytes. Parts are binary, all others msgpack maps. SPEC section 8.2."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction

from protocol import limits
from protocol.errors import FormatError
from protocol.fields import Document, Fields, integer, pack_document, text, unpack_document

VERSIONS = (1,)
LIVE = "live"

# msgpack never uses this byte, so the first byte tells a part from a map.
PART_MARK = 0xC1
FRONT, SEGMENT = 0, 1
_PART = struct.Struct("<BBHIIII")  # mark, kind, rung, generation, chunk, offset, total
PART_HEADER_BYTES = _PART.size

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
    "timeout",
    "busy",
    "storage",
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
    f = unpack_document(data, name="message", max_bytes=limits.MAX_MESSAGE_BYTES)
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
    if len(data) > PART_HEADER_BYTES + limits.MAX_PART_BYTES:
        raise FormatError(f"a part has {len(data)} bytes; at most {limits.MAX_PART_BYTES} of payload are allowed")
    _, kind, rung, generation, chunk, offset, total = _PART.unpack_from(data)
    payload = memoryview(data)[PART_HEADER_BYTES:]
    if kind not in (FRONT, SEGMENT) or rung >= limits.MAX_RUNGS or chunk >= limits.MAX_CHUNKS:
        raise FormatError(f"a part is of kind {kind}, chunk {chunk}, rung {rung}")
    if kind == FRONT and (generation or chunk or rung):
        raise FormatError(f"a part of the front says generation {generation}, chunk {chunk}, rung {rung}")
    if offset + len(payload) > total:
        raise FormatError(f"a part ends at byte {offset + len(payload)} of {total}")
    return PartHead(kind, generation, chunk, rung, offset, total), payload


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
    return Subscribe(_generation(f), time, _rung(f))


def _generation(f: Fields) -> int:
    return f.integer("generation", low=1, high=limits.MAX_GENERATION)


def _rung(f: Fields) -> int:
    return f.integer("rung", low=0, high=limits.MAX_RUNGS - 1)


def _id(f: Fields) -> int:
    return f.integer("id", low=0, high=(1 << 32) - 1)


_READERS: dict[str, Callable[[Fields], Message]] = {
    "hello": _hello,
    "welcome": _welcome,
    "subscribe": _subscribe,
    "switch": lambda f: Switch(_generation(f), _rung(f)),
    "credit": lambda f: Credit(f.integer("bytes", low=1, high=limits.MAX_CREDIT_BYTES)),
    "ping": lambda f: Ping(_id(f)),
    "pong": lambda f: Pong(_id(f)),
    "appended": lambda f: Appended(
        f.integer("first", low=0, high=limits.MAX_CHUNKS - 1), f.blob("rows", most=limits.MAX_MESSAGE_BYTES)
    ),
    "end": lambda f: End(_generation(f), f.integer("chunks", low=1, high=limits.MAX_CHUNKS)),
    "bye": lambda f: Bye(f.text("reason")),
    "error": lambda f: Error(f.text("code"), f.text("message")),
}
