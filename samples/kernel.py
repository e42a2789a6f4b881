"""How the tracer's functions are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Nothing in the tracer allocates, so it needs no reference counts (_nrt): counting references to the scene's arrays
# from all threads would cost more than the intersections.
_OPTIONS: dict[str, Any] = {"cache": True, "fastmath": True, "error_model": "numpy", "_nrt": False}


def kernel(function: _Function) -> _Function:
    """Compiles a function of numbers and of arrays that it only reads."""
    compiled: _Function = njit(**_OPTIONS)(function)
    return compiled


def parallel_kernel(function: _Function) -> _Function:
    """Compiles a function whose `prange` loops run on all cores."""
    compiled: _Function = njit(parallel=True, **_OPTIONS)(function)
    return compiled
