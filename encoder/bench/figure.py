"""One measured number, and how times are taken."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured number, its name without spaces, its unit."""

    name: str
    value: float
    unit: str


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def medians(functions: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Median seconds of each function. They run in turns, so that a slow spell of the machine meets all of them.

    The first turn is not counted: kernels are compiled and memory is touched in it.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
