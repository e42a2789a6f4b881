"""How all numba kernels of the solvers are compiled."""

from __future__ import annotations

from typing import Any

# No "arcp": vector code would divide by estimates and scalar code would not, and the compiled code chooses between them
# by where arrays lie in memory, so that the same frames would not always give the same bits.
_FAST = {"nnan", "ninf", "nsz", "contract", "afn", "reassoc"}
OPTIONS: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy", "cache": True, "nogil": True}

CELL = 8  # texels of a side of the blocks that are known to be empty or not
