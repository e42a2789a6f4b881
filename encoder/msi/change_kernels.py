"""What changed since a texel was last solved: from the pixels that did to the texels that the cameras agree did."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS
from encoder.msi.kernels import BLOCK, GROUP, cross, locate
from encoder.msi.simd import fetch_texel

F = np.float32
_UNSURE = F(0.01)  # the vote of who sees nothing but other things: it counts where nobody sees more


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
def vote(shells, disparities, window, origin, rays, weights, moved, changed, out):  # type: ignore[no-untyped-def]
    """Adds one camera's votes to out (N, H, W, 3) float32: cast, for moved, for changed. The rest as in `kernels`.

    A ray votes for the four texels around where it crosses a shell, with the transmittance it has there: who sees
    something else before a texel does not know about it. weights (P,) float32: rays with 0 are left out; moved,
    changed (P,) uint8.
    """
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    flat = shells.reshape(N, H * W * 4)
    votes = out.reshape(N, H * W, 3)
    index = np.empty((N, GROUP), np.int32)
    weight = np.empty((N, GROUP), np.float32)
    for group in range(0, P, GROUP):
        members = min(GROUP, P - group)
        for k in prange((members + BLOCK - 1) // BLOCK):
            start = k * BLOCK
            first = group + start
            count = min(BLOCK, P - first)
            fx = np.empty(BLOCK, np.float32)
            fy = np.empty(BLOCK, np.float32)
            T = np.ones(BLOCK, np.float32)
            texel = np.empty(4, np.float32)
            for back in range(N):
                i = N - 1 - back
                at = index[i, start : start + count]
                locate(disparities[i], window, origin, rays, first, count, W, H, at, fx, fy)
                texture = flat[i]
                for j in range(count):
                    if weights[first + j] <= F(0):
                        at[j] = -1
                    if at[j] >= 0:
                        alpha = fetch_texel(
                            texture, np.int64(at[j]) * 4, np.int64(W) * 4, fx[j], fy[j], texel, np.int64(0)
                        )
                        weight[i, start + j] = T[j] + _UNSURE
                        T[j] -= T[j] * alpha
        for i in prange(N):
            for j in range(members):
                q = np.int64(index[i, j])
                if q >= 0:
                    w = weight[i, j]
                    for n in (q, q + 1, q + W, q + W + 1):
                        votes[i, n, 0] += w
                        if moved[group + j]:
                            votes[i, n, 1] += w
                        if changed[group + j]:
                            votes[i, n, 2] += w


@njit(parallel=True, **OPTIONS)
def elect(votes, choice, shells, empty, solid, out):  # type: ignore[no-untyped-def]
    """out (N, H, W) uint8: do the votes (N, H, W, 3) for `choice` in 3x3 texels make up enough of those cast?

    Enough is the share `solid` for an opaque texel and `empty` for one of alpha 0: in the space before and behind what
    moves most cameras see it move too, and what would be solved there is a ghost.
    """
    N, H, W, _ = votes.shape
    for row in prange(N * H):
        i, y = row // H, row % H
        for x in range(W):
            cast = given = F(0)
            for v in range(max(0, y - 1), min(H, y + 2)):
                for u in range(max(0, x - 1), min(W, x + 2)):
                    cast += votes[i, v, u, 0]
                    given += votes[i, v, u, choice]
            share = empty + (solid - empty) * shells[i, y, x, 3]
            out[i, y, x] = given > F(0) and given >= share * cast


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


@njit(parallel=True, **OPTIONS)
def shows(texels, shells, disparities, window, origin, rays, out):  # type: ignore[no-untyped-def]
    """out (P,) uint8: is half or more of what a ray sees made of these texels, (N, H, W) uint8? As in `kernels`."""
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    flat, chosen = shells.reshape(N, H * W * 4), texels.reshape(N, H * W)
    for k in prange((P + BLOCK - 1) // BLOCK):
        first = k * BLOCK
        count = min(BLOCK, P - first)
        at = np.empty(BLOCK, np.int32)
        fx = np.empty(BLOCK, np.float32)
        fy = np.empty(BLOCK, np.float32)
        T = np.ones(BLOCK, np.float32)
        share = np.zeros(BLOCK, np.float32)
        texel = np.empty(4, np.float32)
        for back in range(N):
            i = N - 1 - back
            locate(disparities[i], window, origin, rays, first, count, W, H, at, fx, fy)
            for j in range(count):
                q = np.int64(at[j])
                if q >= 0:
                    weight = T[j] * fetch_texel(flat[i], q * 4, np.int64(W) * 4, fx[j], fy[j], texel, np.int64(0))
                    T[j] -= weight
                    nearest = q + np.int64(fx[j] + F(0.5)) + np.int64(fy[j] + F(0.5)) * W
                    if chosen[i, nearest] != 0:
                        share[j] += weight
        for j in range(count):
            out[first + j] = share[j] > F(0) and share[j] >= F(0.5) * (F(1) - T[j])
