"""The OpenGL context that somebody else (VTK) has made current on this thread, for moderngl to draw in."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, cast

import moderngl

from protocol.errors import DisplayError

# Where functions of OpenGL are found on Linux, by who made the context.
_LINUX = (
    ("libEGL.so.1", "eglGetCurrentContext", "eglGetProcAddress"),
    ("libGL.so.1", "glXGetCurrentContext", "glXGetProcAddressARB"),
    ("libOSMesa.so.8", "OSMesaGetCurrentContext", "OSMesaGetProcAddress"),
    ("libOSMesa.so.6", "OSMesaGetCurrentContext", "OSMesaGetProcAddress"),
)


class _Current:
    """What moderngl asks of a context: addresses of functions. Making it current is its owner's business."""

    def __init__(self, get_address: Callable[[bytes], int | None]) -> None:
        self._get_address = get_address

    def load(self, name: str) -> int:
        return self._get_address(name.encode()) or 0

    def __enter__(self) -> _Current:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was made current."""

    def release(self) -> None:
        """Its owner releases it."""


def attach() -> moderngl.Context:
    """A moderngl context for the current OpenGL context: EGL, GLX or OSMesa on Linux, the system's own elsewhere.

    Raises:
        DisplayError: no context is current, or it is older than OpenGL 3.3.
    """
    try:
        if not sys.platform.startswith("linux"):
            return moderngl.create_context(require=330)
        return moderngl.create_context(require=330, context=cast(Any, _linux_context()))
    except Exception as error:  # moderngl and glcontext raise nothing more particular
        if isinstance(error, DisplayError):
            raise
        raise DisplayError(f"no OpenGL 3.3 in this window ({error}); update the graphics driver") from error


def _linux_context() -> _Current:
    for library, current, address in _LINUX:
        try:
            gl = ctypes.CDLL(library)
            get_current, get_address = getattr(gl, current), getattr(gl, address)
        except (OSError, AttributeError):
            continue
        get_current.restype = get_address.restype = ctypes.c_void_p
        get_current.argtypes, get_address.argtypes = [], [ctypes.c_char_p]
        if get_current():
            return _Current(get_address)
    raise DisplayError("VTK's OpenGL context is of no known kind; apt-get install libegl1 libgl1")
