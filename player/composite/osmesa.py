"""An offscreen OpenGL context from Mesa's OSMesa library, for machines without EGL."""

from __future__ import annotations

import ctypes

from protocol.errors import DisplayError

_LIBRARIES = ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")
# OSMesaCreateContextAttribs: format RGBA, no depth, core profile 3.3 (osmesa.h).
_ATTRIBUTES = (0x22, 0x1908, 0x30, 0, 0x33, 0x34, 0x36, 3, 0x37, 3, 0)
_UNSIGNED_BYTE = 0x1401


class OsmesaContext:
    """What moderngl asks of a context. Pictures are drawn into framebuffers, so its own buffer is one pixel."""

    def __init__(self) -> None:
        """Make the context and make it current.

        Raises:
            DisplayError: there is no such library, or it is too old.
        """
        self._library = _load()
        self._library.OSMesaCreateContextAttribs.restype = ctypes.c_void_p
        self._library.OSMesaGetProcAddress.restype = ctypes.c_void_p
        attributes = (ctypes.c_int * len(_ATTRIBUTES))(*_ATTRIBUTES)
        self._buffer = (ctypes.c_ubyte * 4)()
        self._handle = ctypes.c_void_p(self._library.OSMesaCreateContextAttribs(attributes, None))
        if not self._handle:
            raise DisplayError("OSMesa has no OpenGL 3.3; apt-get install libosmesa6")
        self.__enter__()

    def load(self, name: str) -> int:
        return self._library.OSMesaGetProcAddress(name.encode()) or 0

    def __enter__(self) -> OsmesaContext:
        self._library.OSMesaMakeCurrent(self._handle, self._buffer, _UNSIGNED_BYTE, 1, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._library.OSMesaMakeCurrent(None, None, 0, 0, 0)

    def release(self) -> None:
        self._library.OSMesaDestroyContext(self._handle)


def _load() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise DisplayError("OSMesa is not installed; apt-get install libosmesa6")
