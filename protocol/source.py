"""Where the bytes of a show come from: a file, memory, later a server. One method, so that all behave alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from protocol.errors import StorageError
from protocol.storage import reporting


class ByteSource(Protocol):
    """An immutable run of bytes that is read by ranges, from any thread."""

    def size(self) -> int:
        """Bytes in all. Called after the first read_range, so that a remote source may learn it from there."""

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`; fewer only where the source ends. Raises StorageError."""


@dataclass(frozen=True)
class MemorySource:
    """Bytes that are already here."""

    data: bytes

    def size(self) -> int:
        return len(self.data)

    def read_range(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


class FileSource:
    """A file, read with pread: threads do not disturb each other. Open it first; close it at the end.

    It closes itself when nobody holds it any more, for files that change hands.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def open(self) -> FileSource:
        """Opens the file. Raises StorageError; harmless when it is open already."""
        if self._descriptor is None:
            if self.path.exists() and not self.path.is_file():
                raise StorageError(f"{self.path} is no file; name a .lfv file")
            with reporting(self.path, "read"):
                self._descriptor = os.open(self.path, os.O_RDONLY)
        return self

    def size(self) -> int:
        with reporting(self.path, "read"):
            return os.fstat(self._open_descriptor()).st_size

    def read_range(self, start: int, length: int) -> bytes:
        pieces: list[bytes] = []
        descriptor = self._open_descriptor()
        with reporting(self.path, "read"):
            while length > 0:
                piece = os.pread(descriptor, length, start)
                if not piece:
                    break
                pieces.append(piece)
                start, length = start + len(piece), length - len(piece)
        return b"".join(pieces)

    def fileno(self) -> int:
        """The open file's descriptor, for sendfile. Raises StorageError when it is closed."""
        return self._open_descriptor()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise StorageError(f"{self.path} is closed; open it before reading")
        return self._descriptor
