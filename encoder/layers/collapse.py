"""Shells become layers: neighbours are composited, each texel keeps its expected disparity (Broxton 2020, 4.2)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS

F = np.float32
FILMED = F(1 / 255)  # weight under which no source camera has seen a texel: its colour means nothing


@njit(parallel=True, **OPTIONS)
def collapse(shells, disparities, borders, seen, least, rgba, disparity):  # type: ignore[no-untyped-def]
    """Composites groups of shells as seen from the origin.

    Args:
        shells: (N, H, W, 4) float32 straight RGBA.
        disparities: (N,) float32, 1/metre.
        borders: (L + 1,) int64 from `borders.layer_borders`.
        seen: (N, H, W) float32 greatest weight with which a source camera sees a texel.
        least: a layer's texel that neither a source camera nor the origin sees with this weight is dropped,
            and one that no source camera sees at all.
        rgba: (L, H, W, 4) uint8, written: straight colour and alpha.
        disparity: (L, H, W) float32, written: mean of the shells' disparities by their weight in the layer.
    """
    L = len(borders) - 1
    H, W = shells.shape[1], shells.shape[2]
    for y in prange(H):
        for x in range(W):
            front = F(1)
            for layer in range(L - 1, -1, -1):
                T = F(1)
                r = g = b = d = best = filmed = F(0)
                for i in range(borders[layer + 1] - 1, borders[layer] - 1, -1):
                    w = T * shells[i, y, x, 3]
                    r += w * shells[i, y, x, 0]
                    g += w * shells[i, y, x, 1]
                    b += w * shells[i, y, x, 2]
                    d += w * disparities[i]
                    T -= w
                    filmed = max(filmed, seen[i, y, x])
                    best = max(best, front * w)
                front *= T
                alpha = F(1) - T
                if alpha > F(0.002):
                    disparity[layer, y, x] = d / alpha
                else:
                    disparity[layer, y, x] = F(0.5) * (
                        disparities[borders[layer]] + disparities[borders[layer + 1] - 1]
                    )
                if alpha > F(0.002) and filmed >= FILMED and max(best, filmed) >= least:
                    n = F(255) / alpha
                    rgba[layer, y, x, 0] = np.uint8(min(r * n + F(0.5), F(255)))
                    rgba[layer, y, x, 1] = np.uint8(min(g * n + F(0.5), F(255)))
                    rgba[layer, y, x, 2] = np.uint8(min(b * n + F(0.5), F(255)))
                    rgba[layer, y, x, 3] = np.uint8(alpha * F(255) + F(0.5))
                else:
                    for c in range(4):
                        rgba[layer, y, x, c] = 0
