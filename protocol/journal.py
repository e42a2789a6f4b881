"""The bytes of the journal that a show is encoded into: a header, and one record per complete chunk. SPEC section 7."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from protocol import limits
from protocol.chunk import HEADER_BYTES as SEGMENT_HEADER_BYTES
from protocol.chunk import decode_head
from protocol.errors import FormatError, UsageError
from protocol.index import ChunkEntry, SegmentEntry, check_follows, digest

MAGIC = b"\x89LFVPART"
VERSION = 3
_HEADER = struct.Struct("<8sI32s16sI")  # magic, version, fingerprint, zeros, crc32
_RECORD_MAGIC = b"LFVC"
_RECORD = struct.Struct("<4sIHHI16s")  # magic, chunk, segments, zero, bytes of notes, digest of notes
_SEGMENT = struct.Struct("<I16s")  # length, digest
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size

Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class PartialChunk:
    """A complete chunk of the journal; `entry`'s offsets are those in the journal.

    `notes` of chunk 0 are the encoded manifest of the show that would end with it; those of later ones are the
    encoder's, SPEC section 7.
    """

    entry: ChunkEntry
    notes: bytes

    @property
    def end(self) -> int:
        """The journal's byte behind the record."""
        return self.entry.segments[-1].end


def encode_header(fingerprint: bytes) -> bytes:
    """The journal's first 64 bytes for a fingerprint of any length."""
    data = _HEADER.pack(MAGIC, VERSION, hashlib.blake2b(fingerprint, digest_size=32).digest(), b"", 0)[: -_CRC.size]
    return data + _CRC.pack(zlib.crc32(data))


def is_unfinished_header(found: bytes) -> bool:
    """A kill while the header was being written leaves its beginning, or nothing: no chunk is lost then."""
    return len(found) < HEADER_BYTES and found[: len(MAGIC)] == MAGIC[: len(found)]


def check_same(found: bytes, wanted: bytes, path: Path) -> None:
    """Raises UsageError where a journal's header is not the wanted one."""
    if found != wanted:
        raise UsageError(
            f"{path} was made with other settings or footage; use those again, or discard it with --restart"
        )


def check_journal(found: bytes, path: Path) -> None:
    """It is the header of some journal. Raises UsageError where it is another version's, FormatError."""
    if found[: len(MAGIC)] != MAGIC:
        raise FormatError(f"{path} is not a partial show; move it away, or discard it with --restart")
    if zlib.crc32(found[: -_CRC.size]) != _CRC.unpack(found[-_CRC.size :])[0]:
        raise FormatError(f"{path} has a damaged header; discard it with --restart", start=0, end=HEADER_BYTES)
    if _HEADER.unpack(found)[1] != VERSION:
        raise UsageError(
            f"{path} was made by another version of lfv; finish it with that, or discard it with --restart"
        )


def encode_record_head(number: int, entry: ChunkEntry, notes: bytes) -> bytes:
    """What stands in front of a record's notes and segments: their lengths and digests, and a CRC."""
    head = _RECORD.pack(_RECORD_MAGIC, number, len(entry.segments), 0, len(notes), digest(notes))
    head += b"".join(_SEGMENT.pack(s.length, s.digest) for s in entry.segments)
    return head + _CRC.pack(zlib.crc32(head))


def read_record(read: Read, start: int, size: int, *, number: int, previous: ChunkEntry | None) -> PartialChunk | None:
    """The record number `number` at byte `start` of a journal of `size` bytes, or None where it is not complete.

    Raises FormatError where it is complete and yet not the next chunk.
    """
    fixed = read(start, _RECORD.size)
    if len(fixed) < _RECORD.size:
        return None
    magic, said, count, zero, notes_bytes, notes_digest = _RECORD.unpack(fixed)
    if magic != _RECORD_MAGIC or zero or said != number or not 1 <= count <= limits.MAX_RUNGS:
        return None
    head_bytes = _RECORD.size + count * _SEGMENT.size + _CRC.size
    head = read(start, head_bytes)
    if len(head) < head_bytes or _CRC.unpack(head[-_CRC.size :])[0] != zlib.crc32(head[: -_CRC.size]):
        return None
    rows = list(_SEGMENT.iter_unpack(head[_RECORD.size : -_CRC.size]))
    position = start + head_bytes
    if position + notes_bytes + sum(length for length, _ in rows) > size:
        return None
    pieces: list[bytes] = []
    for length, checksum in ((notes_bytes, notes_digest), *rows):
        piece = read(position, length)
        if digest(piece) != checksum:
            return None
        pieces.append(piece)
        position += length
    entry = chunk_entry(number, pieces[1:], previous, digests=[checksum for _, checksum in rows])
    return PartialChunk(placed(entry, start + head_bytes + notes_bytes), pieces[0])


def chunk_entry(
    number: int, segments: Sequence[bytes], previous: ChunkEntry | None, *, digests: Sequence[bytes] | None = None
) -> ChunkEntry:
    """The index entry of a chunk's segments, offsets 0; `digests` of the segments, where they are known.

    Raises FormatError unless they are the next chunk.
    """
    heads = [decode_head(data[:SEGMENT_HEADER_BYTES]) for data in segments]
    first = heads[0]
    for rung, head in enumerate(heads):
        said = (head.index, head.rung, head.first_frame, head.frame_count, head.start, head.duration)
        if said != (number, rung, first.first_frame, first.frame_count, first.start, first.duration):
            raise FormatError(
                f"segment {rung} of chunk {number} is that of chunk {head.index} rung {head.rung}, or has other times"
            )
    entry = ChunkEntry(
        start=first.start,
        duration=first.duration,
        first_frame=first.first_frame,
        frame_count=first.frame_count,
        segments=tuple(
            SegmentEntry(0, len(data), checksum)
            for data, checksum in zip(segments, digests or map(digest, segments), strict=True)
        ),
    )
    check_follows(previous, entry, number)
    return entry


def placed(entry: ChunkEntry, offset: int) -> ChunkEntry:
    """The entry with its segments one behind the other from `offset` on, as in a record."""
    segments: list[SegmentEntry] = []
    for segment in entry.segments:
        segments.append(replace(segment, offset=offset))
        offset += segment.length
    return replace(entry, segments=tuple(segments))
