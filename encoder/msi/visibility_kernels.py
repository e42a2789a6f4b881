"""Fused numba kernel of what cameras see of shells; arguments as in `kernels.py`."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS, paired
from encoder.msi.kernels import BLOCK, GROUP, OPAQUE, locate
from encoder.msi.simd import fetch_texel

F = np.float32


@njit(parallel=True, **OPTIONS)
def visible_weight(shells, disparities, window, origin, rays, weights, out):  # type: ignore[no-untyped-def]
    """out (N, H, W) float32: the greatest weight (transmittance times alpha) with which any ray sees a texel.

    weights (P,) float32: rays with 0 are left out. A ray counts for the four texels around its crossing. Call it for
    one camera after another; `out` keeps the maximum.
    """
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    flat = shells.reshape(N, H * W * 4)
    seen = out.reshape(N, H * W)
    index = np.empty((N, GROUP), np.int32)
    share = np.empty((N, GROUP), np.float32)
    for group in range(0, P, GROUP):
        for k in prange((min(GROUP, P - group) + BLOCK - 1) // BLOCK):
            start = k * BLOCK
            first = group + start
            count = min(BLOCK, P - first)
            fx = np.empty(BLOCK, np.float32)
            fy = np.empty(BLOCK, np.float32)
            T = np.empty(BLOCK, np.float32)
            texel = np.empty(4, np.float32)
            for j in range(count):
                T[j] = F(1) if weights[first + j] > F(0) else F(0)
            for back in range(N):
                i = N - 1 - back
                at = index[i, start : start + count]
                locate(disparities[i], window, origin, rays, first, count, W, H, at, fx, fy)
                texture = flat[i]
                for j in range(count):
                    if at[j] >= 0 and T[j] > OPAQUE:
                        alpha = fetch_texel(
                            texture, np.int64(at[j]) * 4, np.int64(W) * 4, fx[j], fy[j], texel, np.int64(0)
                        )
                        share[i, start + j] = T[j] * alpha
                        T[j] -= T[j] * alpha
                    else:
                        at[j] = -1
        members = min(GROUP, P - group)
        for turn in prange(N):
            i = paired(turn, N)
            for j in range(members):
                q = np.int64(index[i, j])
                if q >= 0:
                    w = share[i, j]
                    for n in (q, q + 1, q + W, q + W + 1):
                        if w > seen[i, n]:
                            seen[i, n] = w
