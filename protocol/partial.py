"""A show while it is being encoded: an append-only journal that survives a kill at any byte. SPEC section 7.

The journal stands beside the show as `NAME.lfv.partial`. Each record holds one chunk with all its rungs, its checksums
in front; what is incomplete at the end is cut off on opening. The finished show depends on the chunks and the manifest
alone, so it is the same however often the encoder was killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import struct
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from protocol import limits
from protocol.chunk import HEADER_BYTES as SEGMENT_HEADER_BYTES
from protocol.chunk import decode_head, decode_segment
from protocol.errors import FormatError, StorageError, UsageError
from protocol.header import encode_front, first_segment_offset
from protocol.index import ChunkEntry, Index, SegmentEntry, aligned, check_follows, digest
from protocol.manifest import Manifest
from protocol.storage import check_output, reporting, sync_folder, write_all

log = logging.getLogger(__name__)

MAGIC = b"\x89LFVPART"
VERSION = 1
_HEADER = struct.Struct("<8sI32s16sI")  # magic, version, fingerprint, zeros, crc32
_RECORD = struct.Struct("<4sIHHI16s")  # magic, chunk, segments, zero, bytes of notes, digest of notes
_SEGMENT = struct.Struct("<I16s")
_CRC = struct.Struct("<I")
_RECORD_MAGIC = b"LFVC"
HEADER_BYTES = _HEADER.size

_open_journals: weakref.WeakSet[PartialShow] = weakref.WeakSet()


@dataclass(frozen=True)
class PartialChunk:
    """A complete chunk of the journal; `entry`'s offsets are those in the journal. `notes` are the encoder's own."""

    entry: ChunkEntry
    notes: bytes


class PartialShow:
    """The journal of one show. `open_or_create` makes it; one process at a time holds it."""

    def __init__(self, out: Path, descriptor: int) -> None:
        self.out = out
        self.path = partial_path(out)
        self._descriptor = descriptor
        self._chunks: list[PartialChunk] = []
        self._end = 0

    @classmethod
    def open_or_create(cls, out: Path, *, fingerprint: bytes, restart: bool = False) -> PartialShow:
        """Opens the journal of the show `out`, cuts off what is incomplete, or starts a new one.

        Args:
            out: the finished show's path; the journal is `out` + ".partial".
            fingerprint: of everything that the chunks depend on: settings, footage, versions.
            restart: discard what is there.

        Raises:
            UsageError: made with another fingerprint, or the path cannot be an output.
            StorageError: cannot be written, or another process is writing it.
            FormatError: there is something else under that name.
        """
        check_output(out)
        path = partial_path(out)
        check_output(path)
        with reporting(path, "write"):
            partial = cls(out, _lock(path))
        try:
            partial._start(hashlib.blake2b(fingerprint, digest_size=32).digest(), restart)
        except BaseException:
            partial.close()
            raise
        _open_journals.add(partial)
        return partial

    @property
    def chunks(self) -> tuple[PartialChunk, ...]:
        """What is complete, in order; encoding goes on with chunk number len(chunks)."""
        return tuple(self._chunks)

    def append(self, segments: Sequence[bytes], *, notes: bytes = b"") -> None:
        """Adds the next chunk, one segment per rung, and returns when it is on the disk.

        Raises FormatError where a segment is not the next one, StorageError where it cannot be written; the journal is
        then as it was before.
        """
        number = len(self._chunks)
        if not 1 <= len(segments) <= limits.MAX_RUNGS or number >= limits.MAX_CHUNKS:
            raise FormatError(f"chunk {number} has {len(segments)} rungs")
        if len(notes) > limits.MAX_NOTES_BYTES:
            raise FormatError(f"chunk {number} has {len(notes)} bytes of notes; at most {limits.MAX_NOTES_BYTES}")
        for data in segments:
            decode_segment(data)
        entry = _entry(number, list(segments), [digest(data) for data in segments], self._last())
        head = _RECORD.pack(_RECORD_MAGIC, number, len(segments), 0, len(notes), digest(notes))
        head += b"".join(_SEGMENT.pack(s.length, s.digest) for s in entry.segments)
        head += _CRC.pack(zlib.crc32(head))
        descriptor = self._held()
        try:
            with reporting(self.path, "write"):
                os.lseek(descriptor, self._end, os.SEEK_SET)
                for part in (head, notes, *segments):
                    write_all(descriptor, part)
                os.fsync(descriptor)
        except BaseException:
            self._cut(descriptor)
            raise
        self._accept(entry, notes, len(head))

    def index(self, first_segment: int) -> Index:
        """The index of the show as it stands, its first segment at byte `first_segment`; 0 where only sizes matter."""
        offset = first_segment
        chunks: list[ChunkEntry] = []
        for chunk in self._chunks:
            segments: list[SegmentEntry] = []
            for segment in chunk.entry.segments:
                segments.append(replace(segment, offset=offset))
                offset = aligned(offset + segment.length)
            chunks.append(replace(chunk.entry, segments=tuple(segments)))
        return Index(tuple(chunks))

    def finalise(self, manifest: Manifest) -> Index:
        """Writes the show beside its final name, renames it, then removes the journal and closes.

        A kill or a full disk at any moment leaves either the journal or the whole show. Raises FormatError where the
        manifest does not fit the chunks, StorageError.
        """
        if not self._chunks:
            raise FormatError(f"{self.path} has no chunk; there is nothing to finish")
        index = self.index(first_segment_offset(manifest, len(self._chunks)))
        front = encode_front(manifest, index)
        finishing = self.out.with_name(self.out.name + ".finishing")
        try:
            with reporting(self.out, "write"):
                self._write_show(finishing, front, index)
                os.replace(finishing, self.out)
                sync_folder(self.out.parent)
        except BaseException:
            finishing.unlink(missing_ok=True)
            raise
        with reporting(self.path, "remove"):
            self.path.unlink()
            sync_folder(self.out.parent)
        self.close()
        return index

    def close(self) -> None:
        """Lets go of the journal; it stays on the disk."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> PartialShow:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, fingerprint: bytes, restart: bool) -> None:
        wanted = _header(fingerprint)
        with reporting(self.path, "read"):
            size = os.fstat(self._descriptor).st_size
            found = os.pread(self._descriptor, HEADER_BYTES, 0)
        # A kill while the header was being written leaves its beginning: nothing is lost then.
        fresh = len(found) < HEADER_BYTES and found[: len(MAGIC)] == MAGIC[: len(found)]
        if restart or fresh:
            with reporting(self.path, "write"):
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                write_all(self._descriptor, wanted)
                os.fsync(self._descriptor)
                sync_folder(self.path.parent)
            self._end = HEADER_BYTES
            return
        _check_header(found, wanted, self.path)
        self._end = HEADER_BYTES
        with reporting(self.path, "read"):
            while self._end < size and self._recover(size):
                pass
        if self._end < size:
            log.info("%s: cut off %d bytes of an incomplete chunk", self.path, size - self._end)
            self._cut(self._descriptor)

    def _recover(self, size: int) -> bool:
        """Takes over the record at `_end` if it is complete."""
        fixed = os.pread(self._descriptor, _RECORD.size, self._end)
        if len(fixed) < _RECORD.size:
            return False
        magic, number, count, zero, notes_bytes, notes_digest = _RECORD.unpack(fixed)
        if magic != _RECORD_MAGIC or zero or number != len(self._chunks) or not 1 <= count <= limits.MAX_RUNGS:
            return False
        head_bytes = _RECORD.size + count * _SEGMENT.size + _CRC.size
        head = os.pread(self._descriptor, head_bytes, self._end)
        if len(head) < head_bytes or _CRC.unpack(head[-_CRC.size :])[0] != zlib.crc32(head[: -_CRC.size]):
            return False
        rows = list(_SEGMENT.iter_unpack(head[_RECORD.size : -_CRC.size]))
        if self._end + head_bytes + notes_bytes + sum(length for length, _ in rows) > size:
            return False
        position = self._end + head_bytes
        pieces: list[bytes] = []
        for length, checksum in ((notes_bytes, notes_digest), *rows):
            piece = os.pread(self._descriptor, length, position)
            if digest(piece) != checksum:
                return False
            pieces.append(piece)
            position += length
        entry = _entry(number, pieces[1:], [checksum for _, checksum in rows], self._last())
        self._accept(entry, pieces[0], head_bytes)
        return True

    def _accept(self, entry: ChunkEntry, notes: bytes, head_bytes: int) -> None:
        """Notes where the segments of a record lie, and moves on behind it."""
        offset = self._end + head_bytes + len(notes)
        segments: list[SegmentEntry] = []
        for segment in entry.segments:
            segments.append(replace(segment, offset=offset))
            offset += segment.length
        self._chunks.append(PartialChunk(replace(entry, segments=tuple(segments)), notes))
        self._end = offset

    def _write_show(self, path: Path, front: bytes, index: Index) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(descriptor, front)
            written = len(front)
            for chunk, placed in zip(self._chunks, index.chunks, strict=True):
                for source, target in zip(chunk.entry.segments, placed.segments, strict=True):
                    data = os.pread(self._held(), source.length, source.offset)
                    if digest(data) != source.digest:
                        raise StorageError(f"{self.path} changed on the disk; run it again to encode the rest anew")
                    write_all(descriptor, bytes(target.offset - written))
                    write_all(descriptor, data)
                    written = target.end
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _last(self) -> ChunkEntry | None:
        return self._chunks[-1].entry if self._chunks else None

    def _held(self) -> int:
        if self._descriptor < 0:
            raise StorageError(f"{self.path} is closed; open it again")
        return self._descriptor

    def _cut(self, descriptor: int) -> None:
        """Cuts the journal back to its complete chunks."""
        with reporting(self.path, "write"):
            os.ftruncate(descriptor, self._end)
            os.fsync(descriptor)


def partial_path(out: Path) -> Path:
    """Where the journal of the show `out` stands."""
    return out.with_name(out.name + ".partial")


def _lock(path: Path) -> int:
    """Opens or creates the journal and takes its lock -> descriptor. Raises StorageError where another holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have finished and removed the name between our open and our lock.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise StorageError(
                f"{path} is being written by another lfv; wait until it has finished, or choose another --out"
            ) from error
        os.close(descriptor)


def _header(fingerprint: bytes) -> bytes:
    data = _HEADER.pack(MAGIC, VERSION, fingerprint, b"", 0)[: -_CRC.size]
    return data + _CRC.pack(zlib.crc32(data))


def _check_header(found: bytes, wanted: bytes, path: Path) -> None:
    if found == wanted:
        return
    if found[: len(MAGIC)] != MAGIC:
        raise FormatError(f"{path} is not a partial show; move it away, or discard it with --restart")
    if zlib.crc32(found[: -_CRC.size]) != _CRC.unpack(found[-_CRC.size :])[0]:
        raise FormatError(f"{path} has a damaged header; discard it with --restart", start=0, end=HEADER_BYTES)
    if _HEADER.unpack(found)[1] != VERSION:
        raise UsageError(
            f"{path} was made by another version of lfv; finish it with that, or discard it with --restart"
        )
    raise UsageError(
        f"{path} was made with other settings or footage; use the same again, or discard it with --restart"
    )


def _entry(number: int, segments: list[bytes], digests: list[bytes], previous: ChunkEntry | None) -> ChunkEntry:
    """The index entry of a chunk's segments, offsets 0. Raises FormatError unless they are the next chunk."""
    heads = [decode_head(data[:SEGMENT_HEADER_BYTES]) for data in segments]
    first = heads[0]
    for rung, head in enumerate(heads):
        said = (head.index, head.rung, head.first_frame, head.frame_count, head.start, head.duration)
        if said != (number, rung, first.first_frame, first.frame_count, first.start, first.duration):
            raise FormatError(
                f"segment {rung} says chunk {head.index} rung {head.rung}; it is chunk {number} rung {rung}"
            )
    entry = ChunkEntry(
        start=first.start,
        duration=first.duration,
        first_frame=first.first_frame,
        frame_count=first.frame_count,
        segments=tuple(SegmentEntry(0, len(data), d) for data, d in zip(segments, digests, strict=True)),
    )
    check_follows(previous, entry, number)
    return entry


def _let_go_after_fork() -> None:
    """A worker that outlives a killed encoder must not go on holding the journal's lock."""
    for partial in list(_open_journals):
        partial.close()


os.register_at_fork(after_in_child=_let_go_after_fork)
