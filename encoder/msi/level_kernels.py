"""Shells at a fraction of their resolution, and back: a texel of level n covers n x n from its corner on."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS

F = np.float32


@njit(parallel=True, **OPTIONS)
def grow(shells, factor, free, out):  # type: ignore[no-untyped-def]
    """out (N, H, W, 4): shells (N, h, w, 4) of `factor` times larger texels, bilinear, where free (N, H, W) uint8."""
    N, H, W, _ = out.shape
    h, w = shells.shape[1:3]
    for i in prange(N):
        for y in range(H):
            v = min(max((F(y) + F(0.5)) / F(factor) - F(0.5), F(0)), F(h - 1))
            above = np.int64(v)
            below, fy = min(above + 1, h - 1), v - F(above)
            for x in range(W):
                if free[i, y, x] == 0:
                    continue
                u = min(max((F(x) + F(0.5)) / F(factor) - F(0.5), F(0)), F(w - 1))
                left = np.int64(u)
                right, fx = min(left + 1, w - 1), u - F(left)
                for c in range(4):
                    upper = shells[i, above, left, c] + fx * (shells[i, above, right, c] - shells[i, above, left, c])
                    lower = shells[i, below, left, c] + fx * (shells[i, below, right, c] - shells[i, below, left, c])
                    out[i, y, x, c] = upper + fy * (lower - upper)


@njit(parallel=True, **OPTIONS)
def shrink(shells, factor, out):  # type: ignore[no-untyped-def]
    """out (N, h, w, 4): means of shells (N, H, W, 4) over factor x factor texels, of colour by alpha."""
    N, H, W, _ = shells.shape
    for i in prange(N):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                total = np.zeros(4, np.float32)
                weights, count = F(0), F(0)
                for v in range(y * factor, min(H, (y + 1) * factor)):
                    for u in range(x * factor, min(W, (x + 1) * factor)):
                        alpha = shells[i, v, u, 3]
                        weight = alpha + F(1e-4)
                        for c in range(3):
                            total[c] += weight * shells[i, v, u, c]
                        total[3] += alpha
                        weights += weight
                        count += F(1)
                for c in range(3):
                    out[i, y, x, c] = total[c] / weights
                out[i, y, x, 3] = total[3] / count


@njit(parallel=True, **OPTIONS)
def shrink_free(free, factor, out):  # type: ignore[no-untyped-def]
    """out (N, h, w) uint8: whether any of the factor x factor texels of `free` (N, H, W) is free."""
    N, H, W = free.shape
    for i in prange(N):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                found = np.uint8(0)
                for v in range(y * factor, min(H, (y + 1) * factor)):
                    for u in range(x * factor, min(W, (x + 1) * factor)):
                        found |= free[i, v, u]
                out[i, y, x] = found
