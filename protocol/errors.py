"""The closed tree of errors. Every message names the thing and, after a semicolon, the mend."""

from __future__ import annotations


class LfvError(Exception):
    """Anything that lfv reports in one line. Commands end with `exit_code`."""

    exit_code = 1


class UsageError(LfvError, ValueError):
    """The command was asked for something that it cannot mean."""

    exit_code = 2


class RigError(LfvError, ValueError):
    """The rig's folder or its calibration cannot be used."""


class CaptureError(LfvError, ValueError):
    """Footage is unreadable, missing, or not in step with the other cameras."""


class SolveError(LfvError, ArithmeticError):
    """Inference cannot give a meaningful result from this input."""


class StorageError(LfvError, OSError):
    """A file could not be written or read: full disk, no permission, lost mount."""


class StreamError(LfvError, ConnectionError):
    """The other end of a stream refuses, breaks the protocol, or is gone. `code` is one of SPEC 8.5, or empty."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class DisplayError(LfvError, RuntimeError):
    """No usable OpenGL context, or the decoder cannot show this show."""


class MissingExtraError(LfvError, ImportError):
    """A command needs packages of an extra that is not installed."""


class FormatError(LfvError, ValueError):
    """A show is damaged, truncated, from the future, or not a show.

    `start` and `end` are the first bad byte range of the file, where it is known.
    """

    def __init__(self, message: str, *, start: int | None = None, end: int | None = None) -> None:
        if start is not None:
            message = f"{message} (bytes {start}..{'end' if end is None else end})"
        super().__init__(message)
        self.start = start
        self.end = end
