"""The update of descent: Adam on straight RGBA with smoothness and a prior, fused into one pass over memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import CELL, OPTIONS, paired
from encoder.msi.simd import adam_texel

F = np.float32
EPSILON = 1e-5  # of Adam; on dome46_studio it made no difference between 1e-8 and this


def update(shells, gradient, first, second, prior, alive, free, rates, smooth, anchor, sparse, beta1, beta2, step):  # type: ignore[no-untyped-def]
    """One Adam step in place; clears `gradient`.

    shells, gradient, first, second: (N, H, W, 4) float32. prior (N, H, W, 4) uint8: the sweep's colour and alpha,
    straight. alive (N, bh, bw) uint8: blocks of `kernels.CELL` texels, and free (N, H, W) uint8: texels of them that
    may change; the others keep their values.
    rates, smooth, anchor: (4,) float32 per channel: step size, weight of the distance to the four neighbours' mean,
    weight of the distance to the prior. sparse: a constant pull of alpha towards 0. The farthest shell stays opaque.
    Shells are independent, so the result does not depend on threads.
    """
    root = np.float64(1.0 - float(beta2) ** float(step)) ** 0.5
    rate = np.asarray(rates, np.float64) * root / (1.0 - float(beta1) ** float(step))
    pull = np.array([0.0, 0.0, 0.0, float(sparse)])
    rows = [rate, np.divide(smooth, 4), np.add(smooth, anchor), np.divide(anchor, 255), pull]
    rows += [np.full(4, value) for value in (beta1, 1.0 - float(beta1), beta2, 1.0 - float(beta2), EPSILON * root)]
    table = np.concatenate(rows).astype(np.float32)
    _update(shells, gradient, first, second, prior, alive, free, table)


@njit(parallel=True, **OPTIONS)
def _update(shells, gradient, first, second, prior, alive, free, table):  # type: ignore[no-untyped-def]
    N, H, W, _ = shells.shape
    size = H * W * 4
    values, slopes = shells.reshape(N, size), gradient.reshape(N, size)
    means, squares, priors = first.reshape(N, size), second.reshape(N, size), prior.reshape(N, size)
    for turn in prange(N):
        i = paired(turn, N)
        v, g, m, s, p = values[i], slopes[i], means[i], squares[i], priors[i]
        for y in range(H):
            row = np.int64(y) * W * 4
            above = row - (W * 4 if y > 0 else 0)
            below = row + (W * 4 if y < H - 1 else 0)
            for block in range(alive.shape[2]):
                if alive[i, y // CELL, block] == 0:
                    continue
                for x in range(block * CELL, min(W, (block + 1) * CELL)):
                    if free[i, y, x] == 0:
                        continue
                    at = np.int64(x) * 4
                    left = at - (4 if x > 0 else 0)
                    right = at + (4 if x < W - 1 else 0)
                    adam_texel(v, row + at, row + left, row + right, above + at, below + at, g, m, s, p, table)
                    if i == 0:
                        v[row + at + 3] = F(1)


@njit(parallel=True, **OPTIONS)
def find_alive(shells, least, free, alive):  # type: ignore[no-untyped-def]
    """alive (N, bh, bw) uint8: blocks with an alpha of at least `least`, or beside one.

    In the others, alpha becomes 0 where texels are free, (N, H, W) uint8.
    """
    N, H, W, _ = shells.shape
    bh, bw = alive.shape[1], alive.shape[2]
    for turn in prange(N):
        i = paired(turn, N)
        seen = np.zeros((bh, bw), np.uint8)
        for y in range(H):
            for x in range(W):
                if shells[i, y, x, 3] >= least:
                    seen[y // CELL, x // CELL] = 1
        for by in range(bh):
            for bx in range(bw):
                hit = False
                for v in range(max(0, by - 1), min(bh, by + 2)):
                    for u in range(max(0, bx - 1), min(bw, bx + 2)):
                        hit |= seen[v, u] != 0
                alive[i, by, bx] = hit
                if not hit:
                    for y in range(by * CELL, min(H, (by + 1) * CELL)):
                        for x in range(bx * CELL, min(W, (bx + 1) * CELL)):
                            if free[i, y, x] != 0:
                                shells[i, y, x, 3] = F(0)


@njit(parallel=True, **OPTIONS)
def begin(shells, gradient, first, second, prior):  # type: ignore[no-untyped-def]
    """Clears what descent keeps beside the shells (N, H, W, 4) and takes them as `prior`, uint8."""
    for i in prange(shells.shape[0]):
        gradient[i] = F(0)
        first[i] = F(0)
        second[i] = F(0)
        for y in range(shells.shape[1]):
            for x in range(shells.shape[2]):
                for c in range(4):
                    prior[i, y, x, c] = np.uint8(min(shells[i, y, x, c], F(1)) * F(255) + F(0.5))
