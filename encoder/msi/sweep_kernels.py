"""The sweep's numba kernels: colours of the nearest cameras on every shell, their spread, and visibility."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS
from encoder.msi.simd import fetch_texel

F = np.float32


@njit(parallel=True, **OPTIONS)
def consistency(images, grids, stride, chosen, block, disparities, depths, softness, unseen, free, out, costs):  # type: ignore[no-untyped-def]
    """Mean colour and spread of the source cameras on every shell.

    images (C, Hmax, Wmax, 4) float32: colour and weight. grids (C, N, gh, gw, 2) float32: pixel coordinates at every
    `stride`-th texel corner, far outside where invalid. chosen (bh, bw, K) int32: the cameras of each block of `block`
    texels, -1 for none. depths (C, Hmax, Wmax) float32: disparity that each camera sees, along its own rays but
    measured at the origin; negative where unknown. softness: disparity over which visibility fades. free (N, H, W)
    uint8: texels to look at, the others are left alone.
    out (N, H, W, 4) float32: mean colour; alpha is left alone. costs (N, H, W) float32: variance summed over channels.
    """
    N, H, W, _ = out.shape
    K = chosen.shape[2]
    Hc, Wc = images.shape[1], images.shape[2]
    flat = images.reshape(images.shape[0], Hc * Wc * 4)
    inv = F(1) / F(stride)
    rows = chosen.shape[0]
    for task in prange(N * rows):
        i = task // rows
        by = task % rows
        texel = np.empty(4, np.float32)
        for bx in range(chosen.shape[1]):
            for y in range(by * block, min(H, (by + 1) * block)):
                gy = (F(y) + F(0.5)) * inv
                y0 = np.int64(gy)
                wy = gy - F(y0)
                for x in range(bx * block, min(W, (bx + 1) * block)):
                    if free[i, y, x] == 0:
                        continue
                    gx = (F(x) + F(0.5)) * inv
                    x0 = np.int64(gx)
                    wx = gx - F(x0)
                    s0 = s1 = s2 = F(0)
                    q = F(0)
                    total = F(0)
                    for k in range(K):
                        c = chosen[by, bx, k]
                        if c < 0:
                            continue
                        g = grids[c, i]
                        u = (
                            (g[y0, x0, 0] * (F(1) - wx) + g[y0, x0 + 1, 0] * wx) * (F(1) - wy)
                            + (g[y0 + 1, x0, 0] * (F(1) - wx) + g[y0 + 1, x0 + 1, 0] * wx) * wy
                            - F(0.5)
                        )
                        v = (
                            (g[y0, x0, 1] * (F(1) - wx) + g[y0, x0 + 1, 1] * wx) * (F(1) - wy)
                            + (g[y0 + 1, x0, 1] * (F(1) - wx) + g[y0 + 1, x0 + 1, 1] * wx) * wy
                            - F(0.5)
                        )
                        if not (u >= F(0) and v >= F(0) and u < F(Wc - 1) and v < F(Hc - 1)):
                            continue
                        ui, vi = np.int64(u), np.int64(v)
                        at = (vi * Wc + ui) * 4
                        w = fetch_texel(flat[c], at, np.int64(Wc) * 4, u - F(ui), v - F(vi), texel, np.int64(0))
                        if w < F(0.99):
                            continue
                        seen = depths[c, np.int64(v + F(0.5)), np.int64(u + F(0.5))]
                        if seen >= F(0):
                            hidden = (seen - disparities[i]) / softness - F(1)
                            w = F(1) / (F(1) + np.exp(min(hidden * F(4), F(40))))
                        w += F(1e-4)
                        total += w
                        s0 += w * texel[0]
                        s1 += w * texel[1]
                        s2 += w * texel[2]
                        q += w * (texel[0] * texel[0] + texel[1] * texel[1] + texel[2] * texel[2])
                    if total > F(0):
                        n = F(1) / total
                        s0 *= n
                        s1 *= n
                        s2 *= n
                        out[i, y, x, 0] = s0
                        out[i, y, x, 1] = s1
                        out[i, y, x, 2] = s2
                        spread = max(q * n - (s0 * s0 + s1 * s1 + s2 * s2), F(0))
                        # Few samples underestimate the spread of what they were drawn from (Bessel), and say little.
                        costs[i, y, x] = spread * total / max(total - F(1), F(0.1)) if total > F(1.1) else unseen
                    else:
                        out[i, y, x, 0] = out[i, y, x, 1] = out[i, y, x, 2] = F(0)
                        costs[i, y, x] = unseen


@njit(parallel=True, **OPTIONS)
def box_blur(source, radius, scratch, out):  # type: ignore[no-untyped-def]
    """(N, H, W) float32 mean over (2 radius + 1)^2 texels, clipped at the edges; separable running sums."""
    N, H, W = source.shape
    for i in prange(N):
        for y in range(H):
            total = F(0)
            for x in range(min(radius, W)):
                total += source[i, y, x]
            for x in range(W):
                if x + radius < W:
                    total += source[i, y, x + radius]
                if x - radius - 1 >= 0:
                    total -= source[i, y, x - radius - 1]
                scratch[i, y, x] = total / F(min(W - 1, x + radius) - max(0, x - radius) + 1)
        column = np.zeros(W, np.float32)
        for y in range(min(radius, H)):
            for x in range(W):
                column[x] += scratch[i, y, x]
        for y in range(H):
            if y + radius < H:
                for x in range(W):
                    column[x] += scratch[i, y + radius, x]
            if y - radius - 1 >= 0:
                for x in range(W):
                    column[x] -= scratch[i, y - radius - 1, x]
            n = F(1) / F(min(H - 1, y + radius) - max(0, y - radius) + 1)
            for x in range(W):
                out[i, y, x] = column[x] * n


@njit(parallel=True, **OPTIONS)
def costs_to_alpha(costs, temperature, free, shells):  # type: ignore[no-untyped-def]
    """Alphas whose front-to-back weights, seen from the origin, are softmax(-cost / temperature) over the shells.

    costs (N, H, W) float32; free as in `consistency`; shells (N, H, W, 4), alpha of free texels written. The farthest
    shell comes out opaque.
    """
    N, H, W = costs.shape
    for y in prange(H):
        for x in range(W):
            least = costs[0, y, x]
            for i in range(1, N):
                least = min(least, costs[i, y, x])
            behind = F(0)
            for i in range(N):
                p = np.exp(max((least - costs[i, y, x]) / temperature, F(-60)))
                behind += p
                if free[i, y, x] != 0:
                    shells[i, y, x, 3] = p / behind


@njit(parallel=True, **OPTIONS)
def settle_open(costs, plain, temperatures, bounds, unsure, block, free, shells):  # type: ignore[no-untyped-def]
    """Where costs leave open which shell it is, weights become those of `plain`, (N, H, W) float32 costs as well.

    temperatures: of both. A softmax is as open as 1 / sum of squares, in shells: its weights stay as they are up to the
    first of the two bounds, are those of `plain` from the second on, and are mixed in between. unsure (bh, bw) uint8:
    blocks of `block` texels where they are those of `plain` in any case. The rest is as in `costs_to_alpha`, which
    comes first.
    """
    N, H, W = costs.shape
    few, many = bounds
    for y in prange(H):
        own, other = np.empty(N, np.float32), np.empty(N, np.float32)
        for x in range(W):
            total, squares = _exponentials(costs, y, x, temperatures[0], own)
            share = min((total * total / squares - few) / (many - few), F(1))
            if unsure[y // block, x // block] != 0:
                share = F(1)
            if share <= F(0):
                continue
            given = share / _exponentials(plain, y, x, temperatures[1], other)[0]
            kept = (F(1) - share) / total
            behind = F(0)
            for i in range(N):
                p = kept * own[i] + given * other[i]
                behind += p
                if free[i, y, x] != 0:
                    shells[i, y, x, 3] = p / max(behind, F(1e-20))
            if free[0, y, x] != 0:
                shells[0, y, x, 3] = F(1)


@njit(**OPTIONS)
def _exponentials(costs, y, x, temperature, out):  # type: ignore[no-untyped-def]
    """out (N,) float32: exp(-cost / temperature), 1 for the least; returns their sum and that of their squares."""
    N = len(out)
    least = costs[0, y, x]
    for i in range(1, N):
        least = min(least, costs[i, y, x])
    total = squares = F(0)
    for i in range(N):
        p = np.exp(max((least - costs[i, y, x]) / temperature, F(-60)))
        out[i] = p
        total += p
        squares += p * p
    return total, squares
