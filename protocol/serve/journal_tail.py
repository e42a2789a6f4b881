"""An encoder's journal, read while it grows: without a lock, and without decoding more than segments' heads."""

from __future__ import annotations

import os
from pathlib import Path

from protocol import limits
from protocol.errors import StorageError
from protocol.journal import HEADER_BYTES, PartialChunk, check_journal, is_unfinished_header, read_record
from protocol.source import FileSource
from protocol.storage import reporting

_HEAD_BYTES = 128  # of a record, enough to tell it from another one
_AT_ONCE = 32 * limits.MIB  # of records in one look: who comes late to a long show must not stop the server


class JournalTail:
    """Follows one file. It stays open under whatever name, so that all of it can be read once the encoder is done."""

    def __init__(self, source: FileSource) -> None:
        """Of an open file; nothing is read yet."""
        self.source = source
        self.chunks: list[PartialChunk] = []
        self._seen: tuple[int, int] | None = None
        # Where the header and the newest record begin, and with what: another run of the encoder begins otherwise.
        self._marks: list[tuple[int, bytes]] = []

    @property
    def path(self) -> Path:
        return self.source.path

    def removed(self) -> bool:
        """The encoder has finished and taken the name away; what it wrote before is all here. Raises StorageError."""
        return self._status().st_nlink == 0

    def advance(self) -> bool:
        """Reads what has become complete since the last time -> whether there was any; cheap where nothing was.

        Of much, it reads a part: call it again until it says no.

        Raises:
            StorageError: it cannot be read, or what was read is gone: the encoder has begun anew.
            FormatError, UsageError: it is no journal, damaged, or of another version.
        """
        status = self._status()
        if self._seen == (status.st_size, status.st_mtime_ns):
            return False
        self._check_unchanged(status.st_size)
        known = len(self.chunks)
        if not self._header_is_here() or self._read(status.st_size):
            # Only now: an error is met again by the next look, where nobody has mended it.
            self._seen = status.st_size, status.st_mtime_ns
        return len(self.chunks) > known

    def _status(self) -> os.stat_result:
        with reporting(self.path, "read"):
            return os.fstat(self.source.fileno())

    def _check_unchanged(self, size: int) -> None:
        short = bool(self.chunks) and size < self.chunks[-1].end
        if short or any(self.source.read_range(start, len(wanted)) != wanted for start, wanted in self._marks):
            raise StorageError(f"{self.path} was begun anew; connect again to follow it")

    def _header_is_here(self) -> bool:
        if not self._marks:
            header = self.source.read_range(0, HEADER_BYTES)
            if is_unfinished_header(header):
                return False
            check_journal(header, self.path)
            self._marks = [(0, header)]
        return True

    def _read(self, size: int) -> bool:
        """Takes complete records up to byte `size` -> whether those are all."""
        start, previous = (self.chunks[-1].end, self.chunks[-1].entry) if self.chunks else (HEADER_BYTES, None)
        first = start
        while start < size:
            if start - first >= _AT_ONCE:
                return False
            record = read_record(self.source.read_range, start, size, number=len(self.chunks), previous=previous)
            if record is None:
                break
            self._marks[1:] = [(start, self.source.read_range(start, min(_HEAD_BYTES, record.end - start)))]
            self.chunks.append(record)
            start, previous = record.end, record.entry
        return True
