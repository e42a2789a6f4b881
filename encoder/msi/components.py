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

from encoder.msi.kernel_options import OPTIONS, paired
from encoder.msi.kernels import BLOCK, GROUP, OPAQUE, walk, walked_samples
from encoder.msi.simd import scatter_sixteen

F = np.float32
CHANNELS = 16


@njit(parallel=True, **OPTIONS)
def gather_components(shells, disparities, window, origin, rays, target, alive, out):  # type: ignore[no-untyped-def]
    """Adds one view's components to `out` (N, H, W, 16) float32; the other arguments as in `kernels`.

    What is hidden behind the opaque has no part in it. target (P, 4) float32: straight colour and weight. alive
    (N, bh, bw) uint8: blocks that are looked at; in the others alpha is 0.
    """
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    columns = alive.shape[2]
    blocks = alive.reshape(N, alive.shape[1] * columns)
    flat = shells.reshape(N, H * W * 4)
    sums = out.reshape(N, H * W * CHANNELS)
    samples, index, fx, fy, T = walked_samples(N)
    behind = np.empty((N, GROUP * 3), np.float32)
    residual = np.empty(GROUP * 3, np.float32)
    for group in range(0, P, GROUP):
        for k in prange((min(GROUP, P - group) + BLOCK - 1) // BLOCK):
            start = k * BLOCK
            first = group + start
            count = min(BLOCK, P - first)
            colour = np.zeros(BLOCK * 4, np.float32)
            walk(
                flat,
                blocks,
                (W, H),
                columns,
                disparities,
                window,
                origin,
                rays,
                target,
                first,
                start,
                count,
                samples,
                index,
                fx,
                fy,
                T,
                colour,
            )
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
        for turn in prange(N):
            i = paired(turn, N)
            texels = samples[i]
            back_colours = behind[i]
            total = sums[i]
            values = np.empty(CHANNELS, np.float32)
            for j in range(members):
                t = T[i + 1, j]
                if index[i, j] < 0 or t <= OPAQUE:
                    continue
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
                place, row = np.int64(index[i, j]) * CHANNELS, np.int64(W) * CHANNELS
                scatter_sixteen(values, fx[i, j], fy[i, j], total, place, row)
