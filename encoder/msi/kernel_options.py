"""How all numba kernels of the solvers are compiled."""

from __future__ import annotations

from typing import Any

# Nothing is regrouped, fused or estimated. Vector code and scalar code would do so differently, and which of them runs
# depends on where arrays lie in memory: the same frames would not always give the same bits, and a show whose encode
# was killed would not go on to the same bytes.
_FAST = {"nnan", "ninf", "nsz"}
OPTIONS: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy", "cache": True, "nogil": True}

CELL = 8  # texels of a side of the blocks that are known to be empty or not
