"""Layers of coarse texels at full resolution, and disparity carried a little way into what is empty."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from encoder.msi.kernel_options import OPTIONS

F = np.float32
_HOLDS = 4  # of 255: alpha whose disparity means something
Floats = NDArray[np.float32]


@njit(parallel=True, **OPTIONS)
def spread_disparity(disparity, rgba, rounds):  # type: ignore[no-untyped-def]
    """Gives empty texels within `rounds` texels of others the mean disparity of those, in place.

    disparity (L, H, W) float32, rgba (L, H, W, 4) uint8. Samples between texels then do not mix a surface with nothing.
    """
    L, H, W = disparity.shape
    for i in prange(L):
        known = np.empty((H, W), np.uint8)
        for y in range(H):
            for x in range(W):
                known[y, x] = rgba[i, y, x, 3] >= _HOLDS
        for turn in range(1, rounds + 1):
            for y in range(H):
                for x in range(W):
                    if known[y, x] != 0:
                        continue
                    total, count = F(0), 0
                    for n in range(4):
                        v = y + (n - 1 if n % 2 == 0 else 0)
                        u = x + (n - 2 if n % 2 == 1 else 0)
                        if 0 <= v < H and 0 <= u < W and 0 < known[v, u] <= turn:
                            total += disparity[i, v, u]
                            count += 1
                    if count > 0:
                        disparity[i, y, x] = total / F(count)
                        known[y, x] = turn + 1


@njit(parallel=True, **OPTIONS)
def enlarge(rgba, disparity, divisor, layers, field):  # type: ignore[no-untyped-def]
    """Coarse layers at full resolution, linearly; colours and disparities are mixed by alpha.

    rgba (L, h, w, 4) uint8, disparity (L, h, w) float32 -> layers (L, H, W, 4) float32 in 0..1, field (L, H, W),
    written; H <= h * divisor, W <= w * divisor.
    """
    L, h, w, _ = rgba.shape
    H, W = layers.shape[1:3]
    for i in prange(L):
        for y in range(H):
            cy = min(max((F(y) + F(0.5)) / F(divisor) - F(0.5), F(0)), F(h - 1))
            y0 = min(np.int64(cy), max(h - 2, 0))
            fy = cy - F(y0)
            y1 = min(y0 + 1, h - 1)
            for x in range(W):
                cx = min(max((F(x) + F(0.5)) / F(divisor) - F(0.5), F(0)), F(w - 1))
                x0 = min(np.int64(cx), max(w - 2, 0))
                fx = cx - F(x0)
                x1 = min(x0 + 1, w - 1)
                r = g = b = a = d = total = F(0)
                for n in range(4):
                    v, u = (y1 if n > 1 else y0), (x1 if n % 2 else x0)
                    share = (fy if n > 1 else F(1) - fy) * (fx if n % 2 else F(1) - fx)
                    alpha = share * F(rgba[i, v, u, 3])
                    weight = alpha + share * F(0.01)
                    r += weight * F(rgba[i, v, u, 0])
                    g += weight * F(rgba[i, v, u, 1])
                    b += weight * F(rgba[i, v, u, 2])
                    d += weight * disparity[i, v, u]
                    a += alpha
                    total += weight
                n1 = F(1) / (total * F(255))
                layers[i, y, x, 0] = r * n1
                layers[i, y, x, 1] = g * n1
                layers[i, y, x, 2] = b * n1
                layers[i, y, x, 3] = a * F(1 / 255)
                field[i, y, x] = d / total


@njit(parallel=True, **OPTIONS)
def quantise(layers, rgba):  # type: ignore[no-untyped-def]
    """layers (L, H, W, 4) float32 from 0 on -> rgba uint8, written; 1 and more is 255."""
    for i in prange(layers.shape[0]):
        for y in range(layers.shape[1]):
            for x in range(layers.shape[2]):
                for c in range(4):
                    rgba[i, y, x, c] = np.uint8(min(layers[i, y, x, c], F(1)) * F(255) + F(0.5))
