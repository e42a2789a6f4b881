"""How all numba kernels of the solvers are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

# Nothing is regrouped, fused or estimated. Vector code and scalar code would do so differently, and which of them runs
# depends on where arrays lie in memory: the same frames would not always give the same bits, and a show whose encode
# was killed would not go on to the same bytes.
_FAST = {"nnan", "ninf", "nsz"}
OPTIONS: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy", "cache": True, "nogil": True}

CELL = 8  # texels of a side of the blocks that are known to be empty or not


@njit(**OPTIONS)
def paired(turn, count):  # type: ignore[no-untyped-def]
    """The shell at a turn of `count` shells in an order that runs from both ends to the middle.

    Far shells hold more than near ones: threads that take shells one after another would not be done together.
    """
    return turn // 2 if turn % 2 == 0 else count - 1 - turn // 2
