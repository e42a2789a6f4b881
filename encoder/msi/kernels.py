"""Fused numba kernels of the shell renderer: ray and shell intersection, sampling, compositing, analytic gradient.

One pass per block of pixels, front to back over all shells; on all cores, vectorised. Results do not depend on the
number of threads: a shell's gradient is scattered by one thread, in the order of the pixels. `reference.py` holds the
plain torch version.

Common arguments: `shells` (N, H, W, 4) float32 straight RGBA, index 0 farthest; `disparities` (N,) float32, 1/metre;
`window` (sphere: 0 or 1, centre x, centre y, texels per radian or tangent) float32; `origin` (3,) float32, metres;
`rays` (3, P) float32: unit directions for spheres, (x / -z, y / -z, unused) for planes. Both are in the window's frame
(`views.py`).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import CELL, OPTIONS, paired
from encoder.msi.simd import backward_texel, composite_texel, fetch_texel, scatter_texel

F = np.float32
BLOCK = 1024  # pixels that one thread takes at a time
GROUP = 16384  # pixels whose samples are kept between the backward pass and the scatter
OPAQUE = F(1e-3)  # transmittance under which what lies behind is not looked at
# Share of what an opaque texel hides that its gradient may leave out: a texel that nothing is seen through must still
# learn whether what is behind it would fit better, or wrong dark texels would stay for ever.
HIDDEN = F(0.05)


@njit(inline="always", **OPTIONS)
def _arctan2(y, x):  # type: ignore[no-untyped-def]
    """Within 4e-8 + rounding of atan2; free of branches, so that loops over it vectorise."""
    ax, ay = abs(x), abs(y)
    t = min(ax, ay) / (max(ax, ay) + F(1e-30))
    s = t * t
    p = F(-0.0040545277297496796)
    p = p * s + F(0.021862812340259552)
    p = p * s + F(-0.05591211095452309)
    p = p * s + F(0.09642180800437927)
    p = p * s + F(-0.13908623158931732)
    p = p * s + F(0.19946564733982086)
    p = p * s + F(-0.33329859375953674)
    p = p * s + F(0.9999993443489075)
    p = p * t
    p = F(1.5707963267948966) - p if ay > ax else p
    p = F(3.141592653589793) - p if x < F(0) else p
    return -p if y < F(0) else p


@njit(inline="always", **OPTIONS)
def cross(disparity, window, origin, rays, first, count, x, y):  # type: ignore[no-untyped-def]
    """Where rays first..first+count cross one shell: x, y (count,) float32 texels, centres at whole numbers."""
    density = window[3]
    cx, cy = window[1] - F(0.5), window[2] - F(0.5)
    ox, oy, oz = origin[0] * disparity, origin[1] * disparity, origin[2] * disparity
    # Slices that begin at 0: no index can be one from the end, which vector code would have to ask of each.
    u, v, w = rays[0, first : first + count], rays[1, first : first + count], rays[2, first : first + count]
    if window[0] == F(0):
        depth = (F(1) + oz) * density
        sx, sy = cx + ox * density, cy - oy * density
        for j in range(count):
            x[j] = sx + depth * u[j]
            y[j] = sy - depth * v[j]
    else:
        gap = F(1) - (ox * ox + oy * oy + oz * oz)
        for j in range(count):
            dx, dy, dz = u[j], v[j], w[j]
            along = ox * dx + oy * dy + oz * dz
            t = np.sqrt(max(along * along + gap, F(0))) - along
            px, py, pz = ox + t * dx, oy + t * dy, oz + t * dz
            x[j] = cx + density * _arctan2(px, -pz)
            y[j] = cy - density * _arctan2(py, np.sqrt(px * px + pz * pz))


@njit(**OPTIONS)
def locate(disparity, window, origin, rays, first, count, width, height, index, fx, fy):  # type: ignore[no-untyped-def]
    """Where rays first..first+count cross one shell: texel offsets (floats / 4; -1 outside) and bilinear weights."""
    cross(disparity, window, origin, rays, first, count, fx, fy)
    w, h = F(width), F(height)
    for j in range(count):
        x, y = fx[j], fy[j]
        xf, yf = np.floor(x), np.floor(y)
        fx[j] = x - xf
        fy[j] = y - yf
        inside = (xf >= F(0)) & (yf >= F(0)) & (xf < w - F(1)) & (yf < h - F(1))
        index[j] = np.int32(yf) * np.int32(width) + np.int32(xf) if inside else np.int32(-1)


@njit(parallel=True, **OPTIONS)
def crosses_all(disparities, window, width, height, origin, rays, out):  # type: ignore[no-untyped-def]
    """out (P,) bool: whether the ray crosses every shell where all four texels of its sample are in the window."""
    P = rays.shape[1]
    for k in prange((P + BLOCK - 1) // BLOCK):
        first = k * BLOCK
        count = min(BLOCK, P - first)
        index = np.empty(BLOCK, np.int32)
        fx = np.empty(BLOCK, np.float32)
        fy = np.empty(BLOCK, np.float32)
        out[first : first + count] = True
        for disparity in disparities:
            locate(disparity, window, origin, rays, first, count, width, height, index, fx, fy)
            for j in range(count):
                if index[j] < 0:
                    out[first + j] = False


@njit(parallel=True, **OPTIONS)
def render(shells, disparities, window, origin, rays, out, expected):  # type: ignore[no-untyped-def]
    """Composites the shells along rays.

    out (P, 4) float32: premultiplied colour and alpha. expected (P,) float32: the alpha-weighted sum of disparities.
    """
    N, H, W, _ = shells.shape
    P = rays.shape[1]
    flat = shells.reshape(N, H * W * 4)
    for k in prange((P + BLOCK - 1) // BLOCK):
        first = k * BLOCK
        count = min(BLOCK, P - first)
        index = np.empty(BLOCK, np.int32)
        fx = np.empty(BLOCK, np.float32)
        fy = np.empty(BLOCK, np.float32)
        T = np.ones(BLOCK, np.float32)
        D = np.zeros(BLOCK, np.float32)
        colour = np.zeros(BLOCK * 4, np.float32)
        for back in range(N):
            i = N - 1 - back
            disparity = disparities[i]
            locate(disparity, window, origin, rays, first, count, W, H, index, fx, fy)
            texture = flat[i]
            for j in range(count):
                if index[j] >= 0 and T[j] > OPAQUE:
                    weight = composite_texel(
                        texture, np.int64(index[j]) * 4, np.int64(W) * 4, fx[j], fy[j], T[j], colour, np.int64(j) * 4
                    )
                    T[j] -= weight
                    D[j] += weight * disparity
        for j in range(count):
            for c in range(3):
                out[first + j, c] = colour[j * 4 + c]
            out[first + j, 3] = F(1) - T[j]
            expected[first + j] = D[j]


@njit(**OPTIONS)
def drop_dead(index, alive, count, width, columns):  # type: ignore[no-untyped-def]
    """Marks samples in dead blocks as outside: index becomes -1."""
    inverse = 1.0 / np.float64(width)
    for j in range(count):
        q = index[j]
        if q >= 0:
            y = np.int64((np.float64(q) + 0.5) * inverse)
            x = np.int64(q) - y * width
            if alive[(y // CELL) * columns + x // CELL] == 0:
                index[j] = -1


@njit(**OPTIONS)
def walked_samples(count):  # type: ignore[no-untyped-def]
    """What `walk` keeps of a group of rays on so many shells: samples, index, fx, fy, T."""
    samples = np.empty((count, GROUP * 4), np.float32)
    index = np.empty((count, GROUP), np.int32)
    fx = np.empty((count, GROUP), np.float32)
    fy = np.empty((count, GROUP), np.float32)
    T = np.empty((count + 1, GROUP), np.float32)
    return samples, index, fx, fy, T


@njit(**OPTIONS)
def walk(  # type: ignore[no-untyped-def]
    flat,
    blocks,
    size,
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
):
    """Composites one block of rays, first..first + count, front to back, and keeps what the gradient needs of them.

    flat (N, H * W * 4), blocks (N, bh * bw): shells and their live blocks; size: (width, height) texels; columns: bw.
    samples (N, GROUP * 4), index, fx, fy (N, GROUP), T (N + 1, GROUP): written from `start` on; index -1 where there is
    no sample. colour (BLOCK * 4,): what the rays saw, added to it. Rays whose target (P, 4) has no weight see nothing.
    """
    W, H = size
    hidden = np.empty(BLOCK, np.float32)
    for j in range(count):
        T[len(flat), start + j] = hidden[j] = F(1) if target[first + j, 3] > F(0) else F(0)
    for back in range(len(flat)):
        i = len(flat) - 1 - back
        at = index[i, start : start + count]
        gx = fx[i, start : start + count]
        gy = fy[i, start : start + count]
        locate(disparities[i], window, origin, rays, first, count, W, H, at, gx, gy)
        drop_dead(at, blocks[i], count, W, columns)
        texture = flat[i]
        texels = samples[i]
        for j in range(count):
            t = T[i + 1, start + j]
            if at[j] >= 0 and (t > OPAQUE or hidden[j] > HIDDEN):
                slot = np.int64(start + j) * 4
                alpha = fetch_texel(texture, np.int64(at[j]) * 4, np.int64(W) * 4, gx[j], gy[j], texels, slot)
                if t <= OPAQUE:
                    hidden[j] -= hidden[j] * alpha
                T[i, start + j] = t - t * alpha
                for c in range(3):
                    colour[j * 4 + c] += t * alpha * texels[slot + c]
            else:
                at[j] = -1
                T[i, start + j] = t


@njit(**OPTIONS)
def backward(samples, index, T, target, colour, first, start, count):  # type: ignore[no-untyped-def]
    """The gradient of the loss at every sample of one block of rays, in place of the samples; returns the loss.

    samples (N, GROUP * 4), index (N, GROUP), T (N + 1, GROUP): as the forward pass left them, the block's rays are
    start..start + count. colour (BLOCK * 4,): what the rays saw, overwritten. target (P, 4): rays first..first + count.
    """
    loss = 0.0
    for j in range(count):
        weight = target[first + j, 3]
        for c in range(3):
            difference = colour[j * 4 + c] - target[first + j, c]
            loss += weight * difference * difference
            colour[j * 4 + c] = F(2) * weight * difference
        colour[j * 4 + 3] = F(0)
    behind = np.zeros(BLOCK * 4, np.float32)
    for i in range(len(samples)):
        texels = samples[i]
        for j in range(count):
            if index[i, start + j] >= 0:
                at, ray = np.int64(start + j), np.int64(j) * 4
                backward_texel(texels, at * 4, T[i + 1, at], colour, ray, behind, ray)
    return loss


def gradient(shells, disparities, window, origin, rays, target, out, alive=None):  # type: ignore[no-untyped-def]
    """Adds the gradient of sum(weight * |colour - target|^2) with respect to `shells` to `out`.

    target (P, 4) float32: straight colour and weight. out: like shells. alive (N, bh, bw) uint8: blocks of CELL x CELL
    texels that are looked at; in the others alpha is 0 and nothing is learned. None for all. Returns the loss.
    """
    if alive is None:
        alive = np.ones((len(shells), *(-(-size // CELL) for size in shells.shape[1:3])), np.uint8)
    return _gradient(shells, disparities, window, origin, rays, target, out, alive)


@njit(parallel=True, **OPTIONS)
def _gradient(shells, disparities, window, origin, rays, target, out, alive):  # type: ignore[no-untyped-def]
    N, H, W, _ = shells.shape
    columns = alive.shape[2]
    blocks = alive.reshape(N, alive.shape[1] * columns)
    P = rays.shape[1]
    flat = shells.reshape(N, H * W * 4)
    flat_out = out.reshape(N, H * W * 4)
    samples, index, fx, fy, T = walked_samples(N)
    losses = np.zeros((P + BLOCK - 1) // BLOCK, np.float64)
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
            losses[first // BLOCK] = backward(samples, index, T, target, colour, first, start, count)
        members = min(GROUP, P - group)
        for turn in prange(N):
            i = paired(turn, N)
            texels = samples[i]
            gradients = flat_out[i]
            for j in range(members):
                if index[i, j] >= 0 and T[i + 1, j] > OPAQUE:
                    scatter_texel(
                        texels,
                        np.int64(j) * 4,
                        fx[i, j],
                        fy[i, j],
                        gradients,
                        np.int64(index[i, j]) * 4,
                        np.int64(W) * 4,
                    )
    total = 0.0
    for loss in losses:  # in order: the sum of an array would be split over the threads
        total += loss
    return total
