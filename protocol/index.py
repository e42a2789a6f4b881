"""Where every segment of a show lies, when it plays, and its checksum. SPEC section 3.2."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from protocol import limits
from protocol.chunk import RATIO, pack_ratio, unpack_ratio
from protocol.errors import FormatError

MAGIC = b"LFVI"
DIGEST_BYTES = 16
_HEADER = struct.Struct("<4sIHHI")  # magic, chunks, rungs, reserved, reserved
_CHUNK = struct.Struct(f"<{RATIO.size}s{RATIO.size}sII")  # start, duration, first frame, frames
_SEGMENT = struct.Struct("<QI16s")  # offset, length, digest


def digest(*parts: bytes) -> bytes:
    """BLAKE2b with 16 bytes of output over the parts in order."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(part)
    return state.digest()


def aligned(offset: int) -> int:
    """The next multiple of SEGMENT_ALIGNMENT."""
    return -(-offset // limits.SEGMENT_ALIGNMENT) * limits.SEGMENT_ALIGNMENT


@dataclass(frozen=True)
class SegmentEntry:
    """One (chunk, rung): bytes [offset, offset + length) of the file and their digest."""

    offset: int
    length: int
    digest: bytes

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True)
class ChunkEntry:
    """One chunk: seconds of the show's clock, its frames in the show, one segment per rung."""

    start: Fraction
    duration: Fraction
    first_frame: int
    frame_count: int
    segments: tuple[SegmentEntry, ...]

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class Index:
    """All chunks in order of time; they follow each other without gaps from 0 s on."""

    chunks: tuple[ChunkEntry, ...]

    @property
    def duration(self) -> Fraction:
        return self.chunks[-1].end

    @property
    def frame_count(self) -> int:
        return self.chunks[-1].first_frame + self.chunks[-1].frame_count

    @property
    def rung_count(self) -> int:
        return len(self.chunks[0].segments)

    def chunk_at(self, time: Fraction | float) -> int:
        """The chunk that plays at `time` seconds; times outside the show give the first or last."""
        return max(0, bisect_right(self.chunks, time, key=lambda chunk: chunk.start) - 1)

    def chunk_of_frame(self, frame: int) -> int:
        """The chunk that holds the show's frame; frames outside the show give the first or last."""
        return max(0, bisect_right(self.chunks, frame, key=lambda chunk: chunk.first_frame) - 1)

    def bits_per_second(self, rung: int) -> int:
        """Mean of all segments of the rung, rounded: what the manifest's rung states."""
        return round(8 * sum(chunk.segments[rung].length for chunk in self.chunks) / self.duration)


def row_bytes(rung_count: int) -> int:
    """Size of one chunk's row."""
    return _CHUNK.size + rung_count * _SEGMENT.size


def index_bytes(chunk_count: int, rung_count: int) -> int:
    """Size of an encoded index."""
    return _HEADER.size + chunk_count * row_bytes(rung_count)


MAX_INDEX_BYTES = index_bytes(limits.MAX_CHUNKS, limits.MAX_RUNGS)


def encode_index(index: Index) -> bytes:
    """Index -> bytes. Raises FormatError where a reader would refuse it."""
    check_index(index)
    return index_of_rows(b"".join(map(encode_row, index.chunks)), rung_count=index.rung_count)


def index_of_rows(rows: bytes, *, rung_count: int) -> bytes:
    """The bytes of an index from those of its rows."""
    return _HEADER.pack(MAGIC, len(rows) // row_bytes(rung_count), rung_count, 0, 0) + rows


def encode_row(chunk: ChunkEntry) -> bytes:
    """One chunk's row of the index. Raises FormatError."""
    start, duration = pack_ratio(chunk.start, "chunk start"), pack_ratio(chunk.duration, "chunk duration")
    head = _CHUNK.pack(start, duration, chunk.first_frame, chunk.frame_count)
    return head + b"".join(_SEGMENT.pack(s.offset, s.length, s.digest) for s in chunk.segments)


def moved_rows(rows: bytes | bytearray, by: int, *, rung_count: int) -> bytes:
    """Rows whose segments lie `by` bytes farther behind; fast for thousands of them."""
    segment = np.dtype([("offset", "<u8"), ("rest", f"V{_SEGMENT.size - 8}")])
    table = np.frombuffer(rows, np.dtype([("chunk", f"V{_CHUNK.size}"), ("segments", segment, (rung_count,))])).copy()
    table["segments"]["offset"] += by
    return table.tobytes()


def decode_rows(data: bytes, *, rung_count: int) -> tuple[ChunkEntry, ...]:
    """Rows one behind the other -> chunks; laws between them are not checked here. Raises FormatError."""
    row = row_bytes(rung_count)
    if len(data) % row:
        raise FormatError(f"rows of {row} bytes do not make {len(data)} bytes")
    return tuple(_decode_row(data[position : position + row]) for position in range(0, len(data), row))


def _decode_row(row: bytes) -> ChunkEntry:
    start, duration, first, count = _CHUNK.unpack_from(row)
    return ChunkEntry(
        start=unpack_ratio(start, "chunk start"),
        duration=unpack_ratio(duration, "chunk duration"),
        first_frame=first,
        frame_count=count,
        segments=tuple(SegmentEntry(*values) for values in _SEGMENT.iter_unpack(row[_CHUNK.size :])),
    )


def decode_index(data: bytes) -> Index:
    """Bytes -> validated Index. Raises FormatError."""
    if len(data) < _HEADER.size:
        raise FormatError("index is shorter than its header")
    magic, chunk_count, rung_count, reserved, more = _HEADER.unpack_from(data)
    if magic != MAGIC or reserved or more:
        raise FormatError("index does not start with its header")
    if not 1 <= chunk_count <= limits.MAX_CHUNKS or not 1 <= rung_count <= limits.MAX_RUNGS:
        raise FormatError(f"index has {chunk_count} chunks of {rung_count} rungs")
    if len(data) != index_bytes(chunk_count, rung_count):
        raise FormatError(f"index has {len(data)} bytes instead of {index_bytes(chunk_count, rung_count)}")
    index = Index(decode_rows(data[_HEADER.size :], rung_count=rung_count))
    check_index(index)
    return index


def check_follows(previous: ChunkEntry | None, chunk: ChunkEntry, number: int) -> None:
    """A chunk starts where the one before it ends, in time and in frames. Raises FormatError."""
    start = Fraction(0) if previous is None else previous.end
    first = 0 if previous is None else previous.first_frame + previous.frame_count
    if chunk.start != start or chunk.duration <= 0:
        raise FormatError(
            f"chunk {number} starts at {chunk.start} s and lasts {chunk.duration} s; {start} s is its turn"
        )
    if chunk.first_frame != first or not 1 <= chunk.frame_count <= limits.MAX_FRAMES_PER_CHUNK:
        raise FormatError(f"chunk {number} has {chunk.frame_count} frames from {chunk.first_frame}; {first} is next")
    if previous is not None and len(previous.segments) != len(chunk.segments):
        raise FormatError(f"chunk {number} has {len(chunk.segments)} rungs, the one before {len(previous.segments)}")


def check_segments(chunk: ChunkEntry, offset: int, number: int) -> int:
    """A chunk's segments lie one behind the other from `offset` on, aligned -> the next one's. Raises FormatError."""
    for rung, segment in enumerate(chunk.segments):
        if segment.offset != offset or offset % limits.SEGMENT_ALIGNMENT:
            raise FormatError(f"chunk {number} rung {rung} lies at byte {segment.offset} instead of {offset}")
        if not 1 <= segment.length <= limits.MAX_SEGMENT_BYTES or len(segment.digest) != DIGEST_BYTES:
            raise FormatError(f"chunk {number} rung {rung} has {segment.length} bytes")
        offset = aligned(segment.end)
    return offset


def laid_out(chunks: Iterable[ChunkEntry], offset: int) -> tuple[ChunkEntry, ...]:
    """The chunks with their segments where a show has them, one behind the other from byte `offset` on."""
    out: list[ChunkEntry] = []
    for chunk in chunks:
        segments: list[SegmentEntry] = []
        for segment in chunk.segments:
            segments.append(replace(segment, offset=offset))
            offset = aligned(offset + segment.length)
        out.append(replace(chunk, segments=tuple(segments)))
    return tuple(out)


def extended(index: Index, rows: bytes) -> Index:
    """The index of a live show with more rows at its end. Raises FormatError where they are not the next ones."""
    more = decode_rows(rows, rung_count=index.rung_count)
    if len(index.chunks) + len(more) > limits.MAX_CHUNKS:
        raise FormatError(f"the show grows beyond {limits.MAX_CHUNKS} chunks")
    previous, offset = index.chunks[-1], aligned(index.chunks[-1].segments[-1].end)
    for number, chunk in enumerate(more, start=len(index.chunks)):
        check_follows(previous, chunk, number)
        offset = check_segments(chunk, offset, number)
        previous = chunk
    _check_extent(offset, previous)
    return Index(index.chunks + more)


def _check_extent(size: int, last: ChunkEntry) -> None:
    frames = last.first_frame + last.frame_count
    if size > limits.MAX_SHOW_BYTES or frames > limits.MAX_FRAMES:
        raise FormatError(f"index has {frames} frames in {size} bytes; too many")
    if last.end > limits.MAX_DURATION_S:
        raise FormatError(f"index lasts {last.end} s; at most {limits.MAX_DURATION_S} are allowed")


def check_index(index: Index) -> None:
    """Chunks follow each other, segments tile the file in order with only alignment between. Raises FormatError."""
    if not 1 <= len(index.chunks) <= limits.MAX_CHUNKS or not 1 <= index.rung_count <= limits.MAX_RUNGS:
        raise FormatError(f"index has {len(index.chunks)} chunks of {index.rung_count if index.chunks else 0} rungs")
    previous: ChunkEntry | None = None
    offset = index.chunks[0].segments[0].offset
    for number, chunk in enumerate(index.chunks):
        check_follows(previous, chunk, number)
        offset = check_segments(chunk, offset, number)
        previous = chunk
    _check_extent(offset, index.chunks[-1])
