"""Light that changes on things that stay: told apart from motion, and followed without solving anything anew.

A lamp that flickers changes most pixels of a frame, and no surface. Where a picture is what it was but for a smooth
factor, the colours of texels are multiplied by it: their alphas, disparities and details stay as they are.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.grid_pixel import grid_pixel
from encoder.msi.kernel_options import OPTIONS

F = np.float32
_DARK = F(4 / 255)  # is added to both sides of a ratio: black says nothing about light


@njit(parallel=True, **OPTIONS)
def light_ratio(image, reference, radius, out):  # type: ignore[no-untyped-def]
    """out (H, W, 3) float32: mean of image over mean of reference (H, W, 4 float32) in squares of 2 radius + 1."""
    H, W, _ = image.shape
    for y in prange(H):
        top, bottom = max(0, y - radius), min(H, y + radius + 1)
        sums = np.zeros((W + 1, 6), np.float64)
        for x in range(W):
            for c in range(3):
                a = b = F(0)
                for v in range(top, bottom):
                    a += image[v, x, c]
                    b += reference[v, x, c]
                sums[x + 1, c] = sums[x, c] + a
                sums[x + 1, 3 + c] = sums[x, 3 + c] + b
        for x in range(W):
            left, right = max(0, x - radius), min(W, x + radius + 1)
            dark = _DARK * F((right - left) * (bottom - top))
            for c in range(3):
                above = F(sums[right, c] - sums[left, c]) + dark
                out[y, x, c] = above / (F(sums[right, 3 + c] - sums[left, 3 + c]) + dark)


@njit(parallel=True, **OPTIONS)
def moved_pixels(image, reference, ratio, most, threshold, out):  # type: ignore[no-untyped-def]
    """out (H, W) uint8: is image (H, W, 4) not reference times ratio (H, W, 3)?

    Its 3x3 mean differs by more than `threshold`, or the light changed by more than a factor of `most`.
    """
    H, W, _ = image.shape
    for y in prange(H):
        for x in range(W):
            worst = F(0)
            for c in range(3):
                total = F(0)
                for v in range(max(0, y - 1), min(H, y + 2)):
                    for u in range(max(0, x - 1), min(W, x + 2)):
                        total += image[v, u, c] - reference[v, u, c] * ratio[v, u, c]
                worst = max(worst, abs(total))
                if ratio[y, x, c] > most or ratio[y, x, c] * most < F(1):
                    worst = F(1e6)
            out[y, x] = worst > F(9) * threshold


@njit(parallel=True, **OPTIONS)
def texel_ratio(ratios, grids, stride, chosen, block, shells, out):  # type: ignore[no-untyped-def]
    """out (L, H, W, 3) float32: mean light ratio of the source cameras at each texel of the given shells; 1 unseen.

    ratios (C, Hmax, Wmax, 3) float32; grids, stride, chosen and block as in `sweep_kernels.consistency`; shells (L,)
    int64 indices into the grids.
    """
    L, H, W, _ = out.shape
    Hc, Wc = ratios.shape[1], ratios.shape[2]
    inv = F(1) / F(stride)
    rows = chosen.shape[0]
    for task in prange(L * rows):
        layer = task // rows
        by = task % rows
        i = shells[layer]
        for y in range(by * block, min(H, (by + 1) * block)):
            gy = (F(y) + F(0.5)) * inv
            y0 = np.int64(gy)
            wy = gy - F(y0)
            for x in range(W):
                gx = (F(x) + F(0.5)) * inv
                x0 = np.int64(gx)
                wx = gx - F(x0)
                r = g = b = count = F(0)
                for k in range(chosen.shape[2]):
                    c = chosen[by, x // block, k]
                    if c < 0:
                        continue
                    at = grids[c, i]
                    u, v = grid_pixel(at, y0, x0, wy, wx)
                    if u >= F(0) and v >= F(0) and u < F(Wc) and v < F(Hc):
                        q = ratios[c, np.int64(v), np.int64(u)]
                        if q[0] > F(0):
                            r += q[0]
                            g += q[1]
                            b += q[2]
                            count += F(1)
                if count > F(0):
                    out[layer, y, x, 0] = r / count
                    out[layer, y, x, 1] = g / count
                    out[layer, y, x, 2] = b / count
                else:
                    out[layer, y, x, 0] = out[layer, y, x, 1] = out[layer, y, x, 2] = F(1)


@njit(parallel=True, **OPTIONS)
def relight(shells, layer_of, lit, divisor, ratio):  # type: ignore[no-untyped-def]
    """Multiplies colours of shells or layers (N, H, W, 4) where lit by ratio (L, h, w, 3), in place.

    layer_of (N,) int64: index into ratio. lit (N, H, W) uint8; one texel of ratio is `divisor` texels across. Colours
    may exceed 1: light that goes must find what it had left.
    """
    N, H, W, _ = shells.shape
    h, w = ratio.shape[1], ratio.shape[2]
    for i in prange(N):
        layer = layer_of[i]
        for y in range(H):
            cy = min(max((F(y) + F(0.5)) / F(divisor) - F(0.5), F(0)), F(h - 1))
            y0 = min(np.int64(cy), max(h - 2, 0))
            fy = cy - F(y0)
            y1 = min(y0 + 1, h - 1)
            for x in range(W):
                if lit[i, y, x] == 0:
                    continue
                cx = min(max((F(x) + F(0.5)) / F(divisor) - F(0.5), F(0)), F(w - 1))
                x0 = min(np.int64(cx), max(w - 2, 0))
                fx = cx - F(x0)
                x1 = min(x0 + 1, w - 1)
                for c in range(3):
                    upper = ratio[layer, y0, x0, c] * (F(1) - fx) + ratio[layer, y0, x1, c] * fx
                    lower = ratio[layer, y1, x0, c] * (F(1) - fx) + ratio[layer, y1, x1, c] * fx
                    shells[i, y, x, c] *= upper * (F(1) - fy) + lower * fy
