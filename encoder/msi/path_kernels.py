"""Costs gathered along paths: a texel learns the depth of its surroundings where its own colours do not tell it.

Semi-global matching (Hirschmueller 2008, equation 13) along the two directions of rows and of columns.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS

F = np.float32
BLOCK = 32  # columns that are walked together


@njit(**OPTIONS)
def _step(cost, before, small, large, after):  # type: ignore[no-untyped-def]
    """One texel further: cost, before, after (N,); `before` may be less by any constant."""
    N = len(cost)
    least = before[0]
    for i in range(1, N):
        least = min(least, before[i])
    for i in range(N):
        best = min(before[i], least + large)
        if i > 0:
            best = min(best, before[i - 1] + small)
        if i + 1 < N:
            best = min(best, before[i + 1] + small)
        after[i] = cost[i] + (best - least)


@njit(parallel=True, **OPTIONS)
def gather_rows(costs, most, small, large, out):  # type: ignore[no-untyped-def]
    """out (N, H, W) float32: the sum of costs (N, H, W), at most `most`, gathered along rows from both ends.

    small: cost of a step to the next shell from texel to texel; large: of any greater step.
    """
    N, H, W = costs.shape
    for y in prange(H):
        row = np.empty((W, N), np.float32)
        total = np.zeros((W, N), np.float32)
        for i in range(N):
            for x in range(W):
                row[x, i] = min(costs[i, y, x], most)
        a, b = np.empty(N, np.float32), np.empty(N, np.float32)
        for way in range(2):
            for i in range(N):
                a[i] = F(0)  # nothing lies before the first texel
            for k in range(W):
                x = k if way == 0 else W - 1 - k
                _step(row[x], a, small, large, b)
                for i in range(N):
                    total[x, i] += b[i]
                a, b = b, a
        for i in range(N):
            for x in range(W):
                out[i, y, x] = total[x, i]


@njit(parallel=True, **OPTIONS)
def gather_columns(costs, most, small, large, out):  # type: ignore[no-untyped-def]
    """As `gather_rows`, along columns; adds to `out` and divides by four: the mean over the four ways."""
    N, H, W = costs.shape
    blocks = (W + BLOCK - 1) // BLOCK
    for task in prange(blocks):
        x0 = task * BLOCK
        n = min(BLOCK, W - x0)
        a, b = np.empty((N, n), np.float32), np.empty((N, n), np.float32)
        least = np.empty(n, np.float32)
        for way in range(2):
            for k in range(H):
                y = k if way == 0 else H - 1 - k
                if k == 0:
                    for i in range(N):
                        for x in range(n):
                            b[i, x] = min(costs[i, y, x0 + x], most)
                else:
                    for x in range(n):
                        least[x] = a[0, x]
                    for i in range(1, N):
                        for x in range(n):
                            least[x] = min(least[x], a[i, x])
                    for i in range(N):
                        below, above = max(i - 1, 0), min(i + 1, N - 1)
                        for x in range(n):
                            best = min(min(a[i, x], least[x] + large), min(a[below, x], a[above, x]) + small)
                            b[i, x] = min(costs[i, y, x0 + x], most) + (best - least[x])
                for i in range(N):
                    for x in range(n):
                        if way == 0:
                            out[i, y, x0 + x] += b[i, x]
                        else:
                            out[i, y, x0 + x] = F(0.25) * (out[i, y, x0 + x] + b[i, x])
                a, b = b, a
