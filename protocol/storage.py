"""Files: every OSError becomes one line, output paths are checked before hours of work, directories are synced."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.errors import StorageError, UsageError

# ENOSPC: disk, EDQUOT: quota, EFBIG: the file system's or the process's limit of one file.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def reporting(path: Path, doing: str) -> Iterator[None]:
    """Turns an OSError inside into StorageError: `doing` is "write", "read" ..."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        mend = (
            "free some space and run it again"
            if error.errno in _FULL
            else "check the path, its permissions and its disk"
        )
        raise StorageError(f"cannot {doing} {path}: {reason}; {mend}") from error


def check_output(path: Path, *, option: str = "--out", example: str = "show.lfv") -> None:
    """Refuses an output path that cannot work, before any work is done.

    Args:
        option: that named it. example: a file's name that would do.

    Raises:
        UsageError, StorageError: it cannot work.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file such as {path / example}")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no ordinary file and cannot be replaced; choose another {option}")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; make it first or choose another {option}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"cannot write into {folder}; choose another {option} or change its permissions")
    if path.exists() and not os.access(path, os.W_OK):
        raise StorageError(f"{path} is write-protected; choose another {option} or change its permissions")


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Writes all of `data` at the file's position; os.write may write less."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Makes a rename or a new name in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes) -> None:
    """Writes a whole file, or leaves what was there: it is renamed into place.

    Makes its folder.

    Raises:
        StorageError: the folder or the file cannot be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    with reporting(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
