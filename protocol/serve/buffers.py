"""Memory that is sent without being copied, and used again once it has been sent."""

from __future__ import annotations

import weakref
from collections import deque

from protocol import limits

_LEAST_BYTES = 64 * limits.KIB
_KEPT_BYTES = 16 * limits.MIB

_Lent = weakref.ref[memoryview]


class BufferPool:
    """Buffers of some powers of two, plus what stands in front of a part.

    Fresh memory of a megabyte costs as much as reading a part into it: the system fills it with zeros, page by page.
    """

    def __init__(self, *, extra: int) -> None:
        """Empty. `extra`: bytes by which buffers are longer than a power of two."""
        self._extra = extra
        self._free: dict[int, deque[bytearray]] = {}
        self._lent: dict[int, tuple[_Lent, bytearray]] = {}

    def take(self, size: int) -> memoryview:
        """`size` bytes with anything in them. They come back by themselves when nobody holds the view any more.

        A slice of the view does not hold it.
        """
        whole = _LEAST_BYTES + self._extra
        while whole < size:
            whole = 2 * (whole - self._extra) + self._extra
        free = self._free.get(whole)
        if free is None:
            free = self._free[whole] = deque(maxlen=_KEPT_BYTES // whole)
        try:
            buffer = free.pop()
        except IndexError:
            buffer = bytearray(whole)
        view = memoryview(buffer)[:size]
        lent = weakref.ref(view, self._come_back)
        self._lent[id(lent)] = lent, buffer
        return view

    def _come_back(self, lent: _Lent) -> None:
        # Called by whoever lets go of the view last, which may be another thread; these steps are safe there.
        _, buffer = self._lent.pop(id(lent))
        self._free[len(buffer)].append(buffer)
