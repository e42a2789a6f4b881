"""The first 64 bytes of a show, and what has to agree between header, manifest and index. SPEC section 3.1."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

from protocol import limits
from protocol.errors import FormatError
from protocol.index import MAX_INDEX_BYTES, Index, aligned, digest, encode_index, index_bytes
from protocol.manifest import Manifest, encode_manifest

MAGIC = b"\x89LFV\r\n\x1a\n"
MAJOR = 1
MINOR = 1
_STRUCT = struct.Struct("<8sHHIQIIQ16sII")
HEADER_BYTES = _STRUCT.size


@dataclass(frozen=True)
class Header:
    """Sizes in bytes; the manifest starts at 64, the index right behind it."""

    file_bytes: int
    manifest_bytes: int
    index_bytes: int
    first_segment: int
    digest: bytes
    minor: int = MINOR

    @property
    def front_bytes(self) -> int:
        """Header, manifest and index together: what a reader needs before it can ask for a segment."""
        return HEADER_BYTES + self.manifest_bytes + self.index_bytes


def encode_header(header: Header) -> bytes:
    """Header -> its 64 bytes."""
    h = header
    sizes = (h.file_bytes, h.manifest_bytes, h.index_bytes, h.first_segment)
    data = _STRUCT.pack(MAGIC, MAJOR, h.minor, 0, *sizes, h.digest, 0, 0)[:-4]
    return data + struct.pack("<I", zlib.crc32(data))


def decode_header(data: bytes) -> Header:
    """The first 64 bytes -> Header, every size capped. Raises FormatError with the byte range."""
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise FormatError("this is not a show; its first bytes are other ones", start=0, end=len(MAGIC))
    if len(data) < HEADER_BYTES:
        raise FormatError("the show ends inside its header", start=len(data), end=HEADER_BYTES)
    values = _STRUCT.unpack_from(data)
    _, major, minor, flags, file_bytes, manifest_bytes, index_size, first_segment, checksum, reserved, crc = values
    if crc != zlib.crc32(data[: HEADER_BYTES - 4]):
        raise FormatError("the show's header has a wrong checksum", start=0, end=HEADER_BYTES)
    if major != MAJOR:
        raise FormatError(
            f"the show has format {major}.{minor}, this lfv reads {MAJOR}.x; use another lfv", start=8, end=12
        )
    if flags or reserved:
        raise FormatError("the show's header sets bits that this version does not know", start=12, end=HEADER_BYTES)
    header = Header(file_bytes, manifest_bytes, index_size, first_segment, checksum, minor)
    if not 1 <= manifest_bytes <= limits.MAX_MANIFEST_BYTES or not 1 <= index_size <= MAX_INDEX_BYTES:
        raise FormatError(
            f"the show declares {manifest_bytes} bytes of manifest and {index_size} of index", start=24, end=32
        )
    if first_segment != aligned(header.front_bytes) or not first_segment < file_bytes <= limits.MAX_SHOW_BYTES:
        raise FormatError(f"the show declares segments from {first_segment} to {file_bytes}", start=16, end=40)
    return header


def encode_front(manifest: Manifest, index: Index) -> bytes:
    """Header, manifest, index and the zeros up to the first segment. Raises FormatError."""
    check_agreement(manifest, index)
    first, end = index.chunks[0].segments[0].offset, index.chunks[-1].segments[-1].end
    return join_front(encode_manifest(manifest), encode_index(index), first, end).ljust(first, b"\0")


def join_front(packed: bytes, table: bytes, first_segment: int, file_bytes: int) -> bytes:
    """Header, manifest and index of a show, no byte more, from those of manifest and index. Raises FormatError."""
    header = Header(file_bytes, len(packed), len(table), first_segment, digest(packed, table))
    front = encode_header(header) + packed + table
    decode_header(front)
    return front


def first_segment_offset(manifest: Manifest, chunk_count: int) -> int:
    """Where the first segment will lie for this manifest and number of chunks."""
    return aligned(HEADER_BYTES + len(encode_manifest(manifest)) + index_bytes(chunk_count, len(manifest.rungs)))


def settled(manifest: Manifest, index: Index) -> Manifest:
    """The manifest of the same show with other chunks: its frames, duration and rates are those of the index."""
    rungs = (replace(r, bits_per_second=index.bits_per_second(i)) for i, r in enumerate(manifest.rungs))
    return replace(manifest, frame_count=index.frame_count, duration=index.duration, rungs=tuple(rungs))


def check_agreement(manifest: Manifest, index: Index) -> None:
    """Manifest and index speak of the same show. Raises FormatError."""
    if len(manifest.rungs) != index.rung_count:
        raise FormatError(f"manifest has {len(manifest.rungs)} rungs, index {index.rung_count}")
    if manifest.frame_count != index.frame_count:
        raise FormatError(f"manifest has {manifest.frame_count} frames, index {index.frame_count}")
    if manifest.duration != index.duration:
        raise FormatError(f"manifest lasts {manifest.duration} s, index {index.duration} s")
