"""Gradient components of all views, gathered on the texels: what learned descent sees (DeepView, section 3.2).

The gradient of "over" at a sample needs the transmittance T in front of it, the colour B that was composited behind it,
the picture's colour t there (the plane sweep), and the sample itself. Here they are scattered to the texels by the same
bilinear weights b that the renderer reads them with, and summed over views, in any order and number: with r the view's
weighted residual t - rendered, c and a the sample's colour and alpha,

    0-2   sum b T a r          minus half of the gradient of the squared error with respect to colour
    3     sum b T (c - B).r    the same for alpha
    4     sum b T^2 a^2        curvature (Gauss-Newton, diagonal) of colour
    5     sum b T^2 |c - B|^2  that of alpha
    6     sum b                cover: how much the cameras look at the texel at all
    7     sum b T              and how much of that reaches it
    8-10  sum b T t            what the cameras that reach it see there
    11    sum b T |t|^2
    12-14 sum b T B            and what they would see without it
    15    sum b T a            what they see of it
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS
from encoder.msi.kernels import BLOCK, GROUP, drop_dead, locate
from encoder.msi.simd import fetch_texel, scatter_texel

F = np.float32
GROUPS = 4  # of four channels each


@njit(parallel=True, **OPTIONS)
def gather_components(shells, disparities, window, origin, rays, target, alive, out):  # type: ignore[no-untyped-def]
    """Adds one view's components to `out` (4, N, H, W, 4), four of them in each; the other arguments as in `kernels`.

    target (P, 4) float32: straight colour and weight. alive (N, bh, bw) uint8: blocks that are looked at; in the others
    alpha is 0.
    """
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    columns = alive.shape[2]
    blocks = alive.reshape(N, alive.shape[1] * columns)
    flat = shells.reshape(N, H * W * 4)
    sums = out.reshape(GROUPS, N, H * W * 4)
    samples = np.empty((N, GROUP * 4), np.float32)
    index = np.empty((N, GROUP), np.int32)
    fx = np.empty((N, GROUP), np.float32)
    fy = np.empty((N, GROUP), np.float32)
    T = np.empty((N + 1, GROUP), np.float32)
    behind = np.empty((N, GROUP * 3), np.float32)
    residual = np.empty(GROUP * 3, np.float32)
    for group in range(0, P, GROUP):
        for k in prange((min(GROUP, P - group) + BLOCK - 1) // BLOCK):
            start = k * BLOCK
            first = group + start
            count = min(BLOCK, P - first)
            colour = np.zeros(BLOCK * 4, np.float32)
            for j in range(count):
                T[N, start + j] = F(1) if target[first + j, 3] > F(0) else F(0)
            for back in range(N):
                i = N - 1 - back
                at = index[i, start : start + count]
                gx = fx[i, start : start + count]
                gy = fy[i, start : start + count]
                locate(disparities[i], window, origin, rays, first, count, W, H, at, gx, gy)
                drop_dead(at, blocks[i], count, W, columns)
                texture = flat[i]
                texels = samples[i]
                for j in range(count):
                    t = T[i + 1, start + j]
                    if at[j] >= 0 and target[first + j, 3] > F(0):
                        slot = np.int64(start + j) * 4
                        alpha = fetch_texel(texture, np.int64(at[j]) * 4, np.int64(W) * 4, gx[j], gy[j], texels, slot)
                        T[i, start + j] = t - t * alpha
                        for c in range(3):
                            colour[j * 4 + c] += t * alpha * texels[slot + c]
                    else:
                        at[j] = -1
                        T[i, start + j] = t
            for j in range(count):
                for c in range(3):
                    residual[(start + j) * 3 + c] = target[first + j, c] - colour[j * 4 + c]
                    colour[j * 4 + c] = F(0)
            for i in range(N):
                texels = samples[i]
                for j in range(count):
                    if index[i, start + j] >= 0:
                        slot = np.int64(start + j) * 4
                        alpha = texels[slot + 3]
                        for c in range(3):
                            behind[i, (start + j) * 3 + c] = colour[j * 4 + c]
                            colour[j * 4 + c] += alpha * (texels[slot + c] - colour[j * 4 + c])
        members = min(GROUP, P - group)
        for i in prange(N):
            texels = samples[i]
            back_colours = behind[i]
            gradients, measures, seen, without = sums[0, i], sums[1, i], sums[2, i], sums[3, i]
            values = np.empty(4 * GROUPS, np.float32)
            for j in range(members):
                if index[i, j] < 0:
                    continue
                t = T[i + 1, j]
                slot = np.int64(j) * 4
                weight = target[group + j, 3]
                alpha = texels[slot + 3]
                dot = F(0)
                length = F(0)
                square = F(0)
                for c in range(3):
                    ahead = texels[slot + c] - back_colours[j * 3 + c]
                    r = residual[j * 3 + c] * weight
                    colour_there = target[group + j, c]
                    values[c] = t * alpha * r
                    dot += ahead * r
                    length += ahead * ahead
                    square += colour_there * colour_there
                    values[8 + c] = weight * t * colour_there
                    values[12 + c] = weight * t * back_colours[j * 3 + c]
                values[3] = t * dot
                values[4] = weight * t * t * alpha * alpha
                values[5] = weight * t * t * length
                values[6] = weight
                values[7] = weight * t
                values[11] = weight * t * square
                values[15] = weight * t * alpha
                at4, row = np.int64(index[i, j]) * 4, np.int64(W) * 4
                scatter_texel(values, np.int64(0), fx[i, j], fy[i, j], gradients, at4, row)
                scatter_texel(values, np.int64(4), fx[i, j], fy[i, j], measures, at4, row)
                scatter_texel(values, np.int64(8), fx[i, j], fy[i, j], seen, at4, row)
                scatter_texel(values, np.int64(12), fx[i, j], fy[i, j], without, at4, row)
