"""What the machine is: cores, and how fast it copies."""

from __future__ import annotations

from functools import cache

import numpy as np

from encoder.bench.figure import Figure, cores, medians


def bench_machine(quick: bool) -> list[Figure]:
    """Cores and the bandwidth of a copy."""
    return [Figure("cores", cores(), "count"), Figure("copy_bandwidth", copy_bandwidth(quick), "GB/s")]


@cache
def copy_bandwidth(quick: bool) -> float:
    """GB/s read and written by numpy's copy of an array that no cache holds."""
    source = np.ones((4 if quick else 256) << 18, np.float32)
    target = np.empty_like(source)
    seconds = medians({"copy": lambda: np.copyto(target, source)}, rounds=1 if quick else 7)["copy"]
    return 2 * source.nbytes / seconds / 1e9
