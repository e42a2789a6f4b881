"""A show on this machine's disk."""

from __future__ import annotations

import os
from pathlib import Path

from protocol.errors import StorageError


class FileSource:
    """Byte ranges of a file, for `protocol.container`; may be read from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> FileSource:
        """Open it.

        Raises:
            StorageError: it is not there, is no file, or may not be read.
        """
        if self.path.is_dir():
            raise StorageError(f"{self.path} is a folder; give the .lfv file")
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            raise StorageError(f"{self.path} does not exist; check its name") from None
        except OSError as error:
            raise StorageError(f"{self.path} cannot be opened ({error.strerror}); check its permissions") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._open()).st_size

    def read_range(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start` on; fewer where the file ends.

        Raises:
            StorageError: the disk cannot be read.
        """
        parts = []
        while length > 0:
            try:
                part = os.pread(self._open(), length, start)
            except OSError as error:
                raise StorageError(f"{self.path} cannot be read ({error.strerror}); check the disk") from error
            if not part:
                break
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return b"".join(parts)

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not open; use it in a with statement")
        return self._descriptor
