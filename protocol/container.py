"""Reading a show over any source of bytes. One range read gives manifest and index of most shows. SPEC section 3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from protocol import limits
from protocol.chunk import Chunk, decode_segment
from protocol.errors import FormatError
from protocol.header import HEADER_BYTES, Header, check_agreement, decode_header
from protocol.index import Index, SegmentEntry, decode_index, digest
from protocol.journal import MAGIC as UNFINISHED
from protocol.manifest import Manifest, decode_manifest, geometry_bounds
from protocol.mesh_codec import Geometry, decode_geometry
from protocol.partial import PartialShow
from protocol.source import ByteSource, FileSource, MemorySource

__all__ = ["ByteSource", "FileSource", "MemorySource", "PartialShow", "Show", "open_show"]


@dataclass(frozen=True)
class Show:
    """An open show. Its methods may be called from any thread. Close it, or use it as a context manager."""

    source: ByteSource
    header: Header
    manifest: Manifest
    index: Index

    def entry(self, chunk: int, rung: int) -> SegmentEntry:
        """Where the segment lies. Raises IndexError."""
        return self.index.chunks[chunk].segments[rung]

    def read_segment(self, chunk: int, rung: int) -> bytes:
        """The segment's bytes, their checksum verified. Raises FormatError with the byte range, StorageError."""
        entry = self.entry(chunk, rung)
        data = self.source.read_range(entry.offset, entry.length)
        check_segment(self.index, chunk, rung, data)
        return data

    def read_chunk(self, chunk: int, rung: int) -> Chunk:
        """The chunk with geometry and video still packed, checked against the index. Raises as `read_segment`."""
        return unpack_segment(self.index, chunk, rung, self.read_segment(chunk, rung))

    def read_geometry(self, chunk: Chunk) -> Geometry:
        """The chunk's meshes, checked against the manifest. Raises FormatError with the segment's byte range."""
        return unpack_geometry(self.manifest, self.index, chunk)

    def close(self) -> None:
        if isinstance(self.source, FileSource):
            self.source.close()

    def __enter__(self) -> Show:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_segment(index: Index, chunk: int, rung: int, data: bytes) -> None:
    """The bytes are those that the index promises. Raises FormatError with the byte range."""
    entry = index.chunks[chunk].segments[rung]
    if len(data) != entry.length or digest(data) != entry.digest:
        what = "is cut short" if len(data) != entry.length else "has a wrong checksum"
        raise FormatError(f"chunk {chunk} rung {rung} {what}", start=entry.offset, end=entry.end)


def unpack_segment(index: Index, chunk: int, rung: int, data: bytes) -> Chunk:
    """A segment's checked bytes -> the chunk that the index promises. Raises FormatError with the byte range."""
    entry, segment = index.chunks[chunk], index.chunks[chunk].segments[rung]
    with located(f"chunk {chunk} rung {rung}", segment.offset, segment.end):
        out = decode_segment(data)
        found = (out.index, out.rung, out.start, out.duration, out.first_frame, len(out.frame_times))
        if found != (chunk, rung, entry.start, entry.duration, entry.first_frame, entry.frame_count):
            raise FormatError("it is another chunk than its index says")
    return out


def unpack_geometry(manifest: Manifest, index: Index, chunk: Chunk) -> Geometry:
    """The meshes of a chunk, checked against the manifest. Raises FormatError with the segment's byte range."""
    entry = index.chunks[chunk.index].segments[chunk.rung]
    bounds = geometry_bounds(manifest, rung=chunk.rung, frame_count=len(chunk.frame_times))
    with located(f"chunk {chunk.index} rung {chunk.rung}", entry.offset, entry.end):
        return decode_geometry(chunk.geometry, bounds=bounds)


def open_show(source: ByteSource | Path | str, *, name: str = "show") -> Show:
    """Reads header, manifest and index of a show; of a path, the file stays open until `close`.

    `name` is what errors call a source; a path is called by its name.

    Raises FormatError with the byte range, StorageError where the source cannot be read.
    """
    if not isinstance(source, Path | str):
        return _open(source, name)
    file = FileSource(Path(source)).open()
    try:
        return _open(file, str(source))
    except BaseException:
        file.close()
        raise


def _open(source: ByteSource, name: str) -> Show:
    front = source.read_range(0, limits.FIRST_READ_BYTES)
    with located(name):
        if front.startswith(UNFINISHED):
            message = "this encode was not finished; give the same command again and it goes on"
            raise FormatError(message, start=0, end=len(UNFINISHED))
        header = decode_header(front)
        size = source.size()
        if size < header.file_bytes:
            raise FormatError("the show is cut short; copy it again", start=size, end=header.file_bytes)
        if size > header.file_bytes:
            raise FormatError("the show has bytes behind its end", start=header.file_bytes, end=size)
    if len(front) < header.front_bytes:
        front += source.read_range(len(front), header.front_bytes - len(front))
    return Show(source, *decode_front(front, name=name))


def decode_front(front: bytes, *, name: str) -> tuple[Header, Manifest, Index]:
    """Header, manifest and index from a show's first bytes; `name` is what errors call it. Raises FormatError."""
    with located(name):
        header = decode_header(front)
        if len(front) < header.front_bytes:
            raise FormatError("the show is cut short", start=len(front), end=header.front_bytes)
        packed = front[HEADER_BYTES : HEADER_BYTES + header.manifest_bytes]
        table = front[HEADER_BYTES + header.manifest_bytes : header.front_bytes]
        if digest(packed, table) != header.digest:
            message = "manifest and index have a wrong checksum"
            raise FormatError(message, start=HEADER_BYTES, end=header.front_bytes)
    index_start = HEADER_BYTES + header.manifest_bytes
    with located(name, HEADER_BYTES, index_start):
        manifest = decode_manifest(packed)
    with located(name, index_start, header.front_bytes):
        index = decode_index(table)
        check_agreement(manifest, index)
        first, end = index.chunks[0].segments[0].offset, index.chunks[-1].segments[-1].end
        if (first, end) != (header.first_segment, header.file_bytes):
            raise FormatError(f"index covers bytes {first} to {end}, the header says otherwise")
    return header, manifest, index


@contextmanager
def located(name: str, start: int | None = None, end: int | None = None) -> Iterator[None]:
    """Puts the name, and the byte range where the error has none yet, on a FormatError raised inside."""
    try:
        yield
    except FormatError as error:
        if error.start is not None:
            error.args = (f"{name}: {error.args[0]}",)
            raise
        raise FormatError(f"{name}: {error}", start=start, end=end) from error
