"""A show while it is being encoded: an append-only journal that survives a kill at any byte. SPEC section 7.

The journal stands beside the show as `NAME.lfv.partial`. Each record holds one chunk with all its rungs, its checksums
in front; what is incomplete at the end is cut off on opening. The finished show depends on the chunks and the manifest
alone, so it is the same however often the encoder was killed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import weakref
from collections.abc import Sequence
from pathlib import Path

from protocol import limits
from protocol.chunk import decode_segment
from protocol.errors import FormatError, StorageError
from protocol.header import encode_front, first_segment_offset
from protocol.index import Index, digest, laid_out
from protocol.journal import (
    HEADER_BYTES,
    PartialChunk,
    check_journal,
    check_same,
    chunk_entry,
    encode_header,
    encode_record_head,
    is_unfinished_header,
    placed,
    read_record,
)
from protocol.manifest import Manifest
from protocol.storage import check_output, reporting, sync_folder, write_all

log = logging.getLogger(__name__)

_open_journals: weakref.WeakSet[PartialShow] = weakref.WeakSet()


class PartialShow:
    """The journal of one show. `open_or_create` makes it; one process at a time holds it."""

    def __init__(self, out: Path, descriptor: int) -> None:
        self.out = out
        self.path = partial_path(out)
        self._descriptor = descriptor
        self._chunks: list[PartialChunk] = []

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
        _open_journals.add(partial)
        try:
            partial._start(encode_header(fingerprint), restart)
        except BaseException:
            partial.close()
            raise
        return partial

    @property
    def chunks(self) -> tuple[PartialChunk, ...]:
        """What is complete, in order; encoding goes on with chunk number len(chunks)."""
        return tuple(self._chunks)

    def append(self, segments: Sequence[bytes], *, notes: bytes = b"") -> None:
        """Adds the next chunk, one segment per rung, and returns when it is on the disk.

        `notes` of the first chunk are the encoded manifest of the show that would end with it, for relays and for
        resuming, those of later ones the encoder's own (SPEC 7); they are not in the finished show. Raises FormatError
        where a segment is not the next one, StorageError where it cannot be written; the journal is then as it was
        before.
        """
        number = len(self._chunks)
        if not 1 <= len(segments) <= limits.MAX_RUNGS or number >= limits.MAX_CHUNKS:
            raise FormatError(f"chunk {number} has {len(segments)} rungs")
        if len(notes) > limits.MAX_NOTES_BYTES:
            raise FormatError(f"chunk {number} has {len(notes)} bytes of notes; at most {limits.MAX_NOTES_BYTES}")
        for data in segments:
            decode_segment(data)
        entry = chunk_entry(number, segments, self._chunks[-1].entry if self._chunks else None)
        head = encode_record_head(number, entry, notes)
        descriptor, start = self._held(), self._end
        try:
            with reporting(self.path, "write"):
                os.lseek(descriptor, start, os.SEEK_SET)
                for part in (head, notes, *segments):
                    write_all(descriptor, part)
                os.fsync(descriptor)
        except BaseException:
            self._cut(descriptor)
            raise
        self._chunks.append(PartialChunk(placed(entry, start + len(head) + len(notes)), notes))

    def index(self, first_segment: int = 0) -> Index:
        """The index of the show as it stands, its first segment at byte `first_segment`."""
        return Index(laid_out((chunk.entry for chunk in self._chunks), first_segment))

    def read_segment(self, chunk: int, rung: int) -> bytes:
        """A complete segment's bytes. Raises StorageError where the disk does not give what was written."""
        entry = self._chunks[chunk].entry.segments[rung]
        with reporting(self.path, "read"):
            data = self._read(entry.offset, entry.length)
        if digest(data) != entry.digest:
            raise StorageError(f"{self.path} changed on the disk; run it again to encode the rest anew")
        return data

    def finalise(self, manifest: Manifest) -> Index:
        """Writes the show beside its final name, renames it, then removes the journal and closes.

        A kill or a full disk at any moment leaves either the journal or the whole show. Raises FormatError where the
        manifest does not fit the chunks, StorageError.
        """
        if not self._chunks:
            raise FormatError(f"{self.path} has no chunk; there is nothing to finish")
        index = self.index(first_segment_offset(manifest, len(self._chunks)))
        front = encode_front(manifest, index)
        finishing = _finishing_path(self.out)
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

    @property
    def _end(self) -> int:
        return self._chunks[-1].end if self._chunks else HEADER_BYTES

    def _start(self, wanted: bytes, restart: bool) -> None:
        descriptor = self._held()
        with reporting(self.path, "read"):
            size = os.fstat(descriptor).st_size
            found = os.pread(descriptor, HEADER_BYTES, 0)
        fresh = restart or is_unfinished_header(found)
        if not fresh:
            check_journal(found, self.path)
            fresh = size == HEADER_BYTES  # nothing is lost without a chunk, whatever the settings were
        if not fresh:
            check_same(found, wanted, self.path)
        with reporting(self.path, "write"):
            _finishing_path(self.out).unlink(missing_ok=True)  # left by a kill while the show was being finished
            if fresh:
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                write_all(descriptor, wanted)
                os.fsync(descriptor)
                sync_folder(self.path.parent)
                return
        with reporting(self.path, "read"):
            while self._end < size:
                previous = self._chunks[-1].entry if self._chunks else None
                record = read_record(self._read, self._end, size, number=len(self._chunks), previous=previous)
                if record is None:
                    log.info("%s: cut off %d bytes of an incomplete chunk", self.path, size - self._end)
                    self._cut(descriptor)
                    return
                self._chunks.append(record)

    def _write_show(self, path: Path, front: bytes, index: Index) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(descriptor, front)
            written = len(front)
            for number, chunk in enumerate(index.chunks):
                for rung, target in enumerate(chunk.segments):
                    data = self.read_segment(number, rung)
                    write_all(descriptor, bytes(target.offset - written))
                    write_all(descriptor, data)
                    written = target.end
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, start: int, length: int) -> bytes:
        return os.pread(self._held(), length, start)

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


def _finishing_path(out: Path) -> Path:
    return out.with_name(out.name + ".finishing")


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


def _let_go_after_fork() -> None:
    """A worker that outlives a killed encoder must not go on holding the journal's lock."""
    for partial in list(_open_journals):
        partial.close()


os.register_at_fork(after_in_child=_let_go_after_fork)
