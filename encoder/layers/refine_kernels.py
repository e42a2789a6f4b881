"""Layers as height fields, rendered and differentiated: what refinement after the collapse runs on.

A ray meets a layer between its two border disparities, on a nearly straight line of texels: where the line's disparity
is that of the texel. Three fixed-point steps find the place, the last of them between texels, as a mesh whose vertices
are the texels would. Common arguments as in `msi.kernels`, and: `layers` (L, H, W, 4) float32 straight RGBA, index 0
farthest; `disparity` (L, H, W) float32, 1/metre; `borders` (L + 1,) float32, layer l lies between borders l and l + 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import CELL, OPTIONS
from encoder.msi.kernels import BLOCK, GROUP, HIDDEN, OPAQUE, backward, cross
from encoder.msi.simd import (
    add_scalar,
    composite_texel,
    fetch_scalar,
    fetch_texel,
    scatter_texel,
    slope_texel,
)

F = np.float32
_OUTSIDE = -1


@njit(inline="always", **OPTIONS)
def _meet(field, low, inverse, x0, y0, dx, dy, width, height):  # type: ignore[no-untyped-def]
    """(texel offset, bilinear weights) where a ray meets a layer; the offset is -1 outside.

    field: the layer's disparities, flat. (x0, y0): where the ray is at disparity `low`, texel centres at whole numbers;
    (dx, dy): from there to 1 / inverse more.
    """
    right, bottom = F(width - 1), F(height - 1)
    s = F(0.5)
    for _ in range(2):
        x = min(max(x0 + s * dx, F(0)), right)
        y = min(max(y0 + s * dy, F(0)), bottom)
        s = (fetch_scalar(field, np.int64(y + F(0.5)) * width + np.int64(x + F(0.5))) - low) * inverse
        s = min(max(s, F(0)), F(1))
    x = min(max(x0 + s * dx, F(0)), right - F(1e-3))
    y = min(max(y0 + s * dy, F(0)), bottom - F(1e-3))
    u, v = np.int64(x), np.int64(y)
    gx, gy = x - F(u), y - F(v)
    at = v * width + u
    a, b = fetch_scalar(field, at), fetch_scalar(field, at + width)
    upper = a + gx * (fetch_scalar(field, at + 1) - a)
    lower = b + gx * (fetch_scalar(field, at + width + 1) - b)
    s = (upper + gy * (lower - upper) - low) * inverse
    s = min(max(s, F(0)), F(1))
    x, y = x0 + s * dx, y0 + s * dy
    if not (x >= F(0) and y >= F(0) and x < right and y < bottom):
        return np.int64(_OUTSIDE), F(0), F(0)
    u, v = np.int64(x), np.int64(y)
    return v * width + u, x - F(u), y - F(v)


@njit(parallel=True, **OPTIONS)
def render(layers, disparity, borders, window, origin, rays, out, expected):  # type: ignore[no-untyped-def]
    """out (P, 4) float32: premultiplied colour and alpha. expected (P,): the alpha-weighted sum of disparities."""
    L, H, W, _ = layers.shape
    P = rays.shape[1]
    flat, fields = layers.reshape(L, H * W * 4), disparity.reshape(L, H * W)
    for k in prange((P + BLOCK - 1) // BLOCK):
        first = k * BLOCK
        count = min(BLOCK, P - first)
        ends = np.empty((2, 2, BLOCK), np.float32)
        T = np.ones(BLOCK, np.float32)
        D = np.zeros(BLOCK, np.float32)
        colour = np.zeros(BLOCK * 4, np.float32)
        cross(borders[L], window, origin, rays, first, count, ends[L & 1, 0], ends[L & 1, 1])
        for back in range(L):
            i = L - 1 - back
            low, inverse = borders[i], F(1) / max(borders[i + 1] - borders[i], F(1e-12))
            cross(low, window, origin, rays, first, count, ends[i & 1, 0], ends[i & 1, 1])
            x0, y0, x1, y1 = ends[i & 1, 0], ends[i & 1, 1], ends[(i + 1) & 1, 0], ends[(i + 1) & 1, 1]
            texture, field = flat[i], fields[i]
            for j in range(count):
                if T[j] > OPAQUE:
                    q, gx, gy = _meet(field, low, inverse, x0[j], y0[j], x1[j] - x0[j], y1[j] - y0[j], W, H)
                    if q >= 0:
                        weight = composite_texel(texture, q * 4, np.int64(W) * 4, gx, gy, T[j], colour, np.int64(j) * 4)
                        T[j] -= weight
                        D[j] += weight * fetch_scalar(field, q)
        for j in range(count):
            for c in range(3):
                out[first + j, c] = colour[j * 4 + c]
            out[first + j, 3] = F(1) - T[j]
            expected[first + j] = D[j]


@njit(parallel=True, **OPTIONS)
def gradient(layers, disparity, borders, window, origin, rays, target, alive, out, depth_out):  # type: ignore[no-untyped-def]
    """Adds the gradient of sum(weight * |colour - target|^2) to `out` (like layers) and `depth_out` (like disparity).

    target (P, 4) float32: straight colour and weight. alive (L, bh, bw) uint8: blocks of CELL x CELL texels that are
    looked at, and all within reach of the texels of a layer between its borders; in the others alpha is 0. Returns the
    loss. The gradient of disparity takes the surface to be square to the line of texels along which a ray crosses it.
    """
    L, H, W, _ = layers.shape
    columns = alive.shape[2]
    blocks = alive.reshape(L, alive.shape[1] * columns)
    P = rays.shape[1]
    flat, fields = layers.reshape(L, H * W * 4), disparity.reshape(L, H * W)
    flat_out, fields_out = out.reshape(L, H * W * 4), depth_out.reshape(L, H * W)
    samples = np.empty((L, GROUP * 4), np.float32)
    index = np.empty((L, GROUP), np.int32)
    fx = np.empty((L, GROUP), np.float32)
    fy = np.empty((L, GROUP), np.float32)
    along = np.empty((L, 2, GROUP), np.float32)
    T = np.empty((L + 1, GROUP), np.float32)
    losses = np.zeros((P + BLOCK - 1) // BLOCK, np.float64)
    for group in range(0, P, GROUP):
        for k in prange((min(GROUP, P - group) + BLOCK - 1) // BLOCK):
            start = k * BLOCK
            first = group + start
            count = min(BLOCK, P - first)
            ends = np.empty((2, 2, BLOCK), np.float32)
            colour = np.zeros(BLOCK * 4, np.float32)
            hidden = np.empty(BLOCK, np.float32)
            for j in range(count):
                T[L, start + j] = hidden[j] = F(1) if target[first + j, 3] > F(0) else F(0)
            cross(borders[L], window, origin, rays, first, count, ends[L & 1, 0], ends[L & 1, 1])
            for back in range(L):
                i = L - 1 - back
                low, inverse = borders[i], F(1) / max(borders[i + 1] - borders[i], F(1e-12))
                cross(low, window, origin, rays, first, count, ends[i & 1, 0], ends[i & 1, 1])
                x0, y0, x1, y1 = ends[i & 1, 0], ends[i & 1, 1], ends[(i + 1) & 1, 0], ends[(i + 1) & 1, 1]
                texture, field, texels, living = flat[i], fields[i], samples[i], blocks[i]
                for j in range(count):
                    slot = start + j
                    t = T[i + 1, slot]
                    index[i, slot] = _OUTSIDE
                    T[i, slot] = t
                    if not (t > OPAQUE or hidden[j] > HIDDEN):
                        continue
                    dx, dy = x1[j] - x0[j], y1[j] - y0[j]
                    xm = min(max(np.int64(x0[j] + F(0.5) * dx), 0), W - 1)
                    ym = min(max(np.int64(y0[j] + F(0.5) * dy), 0), H - 1)
                    if living[(ym // CELL) * columns + xm // CELL] == 0:
                        continue
                    q, gx, gy = _meet(field, low, inverse, x0[j], y0[j], dx, dy, W, H)
                    if q < 0:
                        continue
                    alpha = fetch_texel(texture, q * 4, np.int64(W) * 4, gx, gy, texels, np.int64(slot) * 4)
                    index[i, slot] = q
                    fx[i, slot], fy[i, slot] = gx, gy
                    along[i, 0, slot], along[i, 1, slot] = dx * inverse, dy * inverse
                    if t <= OPAQUE:
                        hidden[j] -= hidden[j] * alpha
                    T[i, slot] = t - t * alpha
                    for c in range(3):
                        colour[j * 4 + c] += t * alpha * texels[slot * 4 + c]
            losses[first // BLOCK] = backward(samples, index, T, target, colour, first, start, count)
        members = min(GROUP, P - group)
        for i in prange(L):
            texels, texture, gradients, slopes = samples[i], flat[i], flat_out[i], fields_out[i]
            row = np.int64(W) * 4
            for j in range(members):
                if index[i, j] >= 0 and T[i + 1, j] > OPAQUE:
                    q, slot = np.int64(index[i, j]), np.int64(j) * 4
                    gx, gy = fx[i, j], fy[i, j]
                    scatter_texel(texels, slot, gx, gy, gradients, q * 4, row)
                    g = slope_texel(texture, q * 4, row, gx, gy, along[i, 0, j], along[i, 1, j], texels, slot)
                    lower = g * gy
                    upper = g - lower
                    add_scalar(upper - upper * gx, slopes, q)
                    add_scalar(upper * gx, slopes, q + 1)
                    add_scalar(lower - lower * gx, slopes, q + W)
                    add_scalar(lower * gx, slopes, q + W + 1)
    total = 0.0
    for loss in losses:  # in order: the sum of an array would be split over the threads
        total += loss
    return total


@njit(parallel=True, **OPTIONS)
def update_disparity(disparity, layers, slope, first, second, alive, free, borders, coefficients):  # type: ignore[no-untyped-def]
    """One Adam step of disparity in place, in shares of each layer's range; clears `slope`.

    first, second: like disparity. alive, free: as in `descent_kernels.update`. coefficients (7,) float32: step size
    with the bias corrected, smoothness, beta1, 1 - beta1, beta2, 1 - beta2, epsilon. Neighbours pull with their alphas,
    so that surfaces do not lean towards what is empty beside them.
    """
    L, H, W = disparity.shape
    rate, smooth = coefficients[0], coefficients[1]
    beta1, rest1, beta2, rest2 = coefficients[2], coefficients[3], coefficients[4], coefficients[5]
    epsilon = coefficients[6]
    for i in prange(L):
        low, high = borders[i], borders[i + 1]
        span = max(high - low, F(1e-12))
        inverse = F(1) / span
        for y in range(H):
            above, below = max(y - 1, 0), min(y + 1, H - 1)
            for x in range(W):
                if alive[i, y // CELL, x // CELL] == 0 or free[i, y, x] == 0:
                    continue
                left, right = max(x - 1, 0), min(x + 1, W - 1)
                d = disparity[i, y, x]
                up, down = layers[i, above, x, 3], layers[i, below, x, 3]
                before, after = layers[i, y, left, 3], layers[i, y, right, 3]
                pull = (
                    up * (d - disparity[i, above, x])
                    + down * (d - disparity[i, below, x])
                    + before * (d - disparity[i, y, left])
                    + after * (d - disparity[i, y, right])
                ) / (up + down + before + after + F(1e-6))
                g = slope[i, y, x] * span + smooth * pull * inverse
                m = beta1 * first[i, y, x] + rest1 * g
                s = beta2 * second[i, y, x] + rest2 * g * g
                slope[i, y, x] = F(0)
                first[i, y, x] = m
                second[i, y, x] = s
                d -= rate * span * m / (np.sqrt(s) + epsilon)
                disparity[i, y, x] = min(max(d, low), high)
