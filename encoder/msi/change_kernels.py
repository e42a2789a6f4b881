"""What changed since a texel was last solved: pixels first, then the texels that enough cameras saw change."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.grid_pixel import grid_pixel
from encoder.msi.kernel_options import OPTIONS
from encoder.msi.kernels import BLOCK, cross

F = np.float32


@njit(parallel=True, **OPTIONS)
def changed_pixels(image, reference, threshold, out):  # type: ignore[no-untyped-def]
    """out (H, W) uint8: does the 3x3 mean of image - reference (H, W, 4 float32) exceed the threshold in a channel?"""
    H, W, _ = image.shape
    for y in prange(H):
        for x in range(W):
            worst = F(0)
            for c in range(3):
                total = F(0)
                for v in range(max(0, y - 1), min(H, y + 2)):
                    for u in range(max(0, x - 1), min(W, x + 2)):
                        total += image[v, u, c] - reference[v, u, c]
                worst = max(worst, abs(total))
            out[y, x] = worst > F(9) * threshold


@njit(parallel=True, **OPTIONS)
def dilate(mask, radius, out):  # type: ignore[no-untyped-def]
    """out (H, W) uint8: mask grown by a square of the radius."""
    H, W = mask.shape
    for y in prange(H):
        for x in range(W):
            hit = False
            for v in range(max(0, y - radius), min(H, y + radius + 1)):
                for u in range(max(0, x - radius), min(W, x + radius + 1)):
                    hit |= mask[v, u] != 0
            out[y, x] = hit


@njit(parallel=True, **OPTIONS)
def touched(changed, grids, stride, chosen, block, share, out):  # type: ignore[no-untyped-def]
    """out (N, H, W) uint8: did `share` of a texel's source cameras see change, or all but one, and not just one?

    changed (C, Hmax, Wmax) uint8; grids, stride, chosen and block as in `sweep_kernels.consistency`.
    """
    N, H, W = out.shape
    Hc, Wc = changed.shape[1], changed.shape[2]
    inv = F(1) / F(stride)
    rows = chosen.shape[0]
    for task in prange(N * rows):
        i = task // rows
        by = task % rows
        for y in range(by * block, min(H, (by + 1) * block)):
            gy = (F(y) + F(0.5)) * inv
            y0 = np.int64(gy)
            wy = gy - F(y0)
            for x in range(W):
                gx = (F(x) + F(0.5)) * inv
                x0 = np.int64(gx)
                wx = gx - F(x0)
                hits = 0
                total = 0
                for k in range(chosen.shape[2]):
                    c = chosen[by, x // block, k]
                    if c < 0:
                        continue
                    g = grids[c, i]
                    u, v = grid_pixel(g, y0, x0, wy, wx)
                    if u >= F(0) and v >= F(0) and u < F(Wc) and v < F(Hc):
                        total += 1
                        hits += changed[c, np.int64(v), np.int64(u)]
                out[i, y, x] = hits > 0 and F(hits) >= min(share * F(total), F(total - 1)) and hits >= min(2, total)


@njit(parallel=True, **OPTIONS)
def follow(layers, disparity, old, new, old_depth, new_depth, free, borders, moved):  # type: ignore[no-untyped-def]
    """Takes refined layers along with how coarse ones changed from `old` to `new`, where free, in place.

    layers, old, new (L, H, W, 4) float32; disparity, old_depth, new_depth (L, H, W) float32; free (L, H, W)
    uint8; borders (L + 1,). A texel keeps what it differs from the coarse one, unless a channel of that
    changed by more than `moved`: then it becomes the coarse one.
    """
    L, H, W, _ = layers.shape
    for i in prange(L):
        for y in range(H):
            for x in range(W):
                if free[i, y, x] == 0:
                    continue
                worst = abs(new_depth[i, y, x] - old_depth[i, y, x]) / (borders[i + 1] - borders[i] + F(1e-12))
                for c in range(4):
                    worst = max(worst, abs(new[i, y, x, c] - old[i, y, x, c]))
                keep = worst <= moved
                for c in range(4):
                    value = new[i, y, x, c]
                    if keep:
                        value += layers[i, y, x, c] - old[i, y, x, c]
                    layers[i, y, x, c] = min(max(value, F(0)), F(1))
                depth = new_depth[i, y, x]
                if keep:
                    depth += disparity[i, y, x] - old_depth[i, y, x]
                disparity[i, y, x] = min(max(depth, borders[i]), borders[i + 1])


@njit(parallel=True, **OPTIONS)
def sees(free, disparities, window, origin, rays, out):  # type: ignore[no-untyped-def]
    """out (P,) uint8: does a ray cross any of the shells at a free texel, (N, H, W) uint8? The rest as in `kernels`.

    A ray sees the four texels around where it crosses a shell.
    """
    N, H, W = free.shape
    P = rays.shape[1]
    for k in prange((P + BLOCK - 1) // BLOCK):
        first = k * BLOCK
        count = min(BLOCK, P - first)
        x = np.empty(BLOCK, np.float32)
        y = np.empty(BLOCK, np.float32)
        out[first : first + count] = 0
        for i in range(N):
            cross(disparities[i], window, origin, rays, first, count, x, y)
            for j in range(count):
                if x[j] >= F(0) and y[j] >= F(0) and x[j] < F(W - 1) and y[j] < F(H - 1):
                    u, v = np.int64(x[j]), np.int64(y[j])
                    out[first + j] |= free[i, v, u] | free[i, v, u + 1] | free[i, v + 1, u] | free[i, v + 1, u + 1]
