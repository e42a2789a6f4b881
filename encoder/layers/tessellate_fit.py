"""Disparity of one frame of a layer: alpha-weighted blocks, local plane fits at points, errors of cells and triangles.

All kernels work on blocks of 2x2 texels: (rows, columns, 4) float32 with the summed alpha (0..4 texels), the
alpha-weighted mean disparity (1/m) and the alpha-weighted centroid x, y (texels). Texels without alpha never count.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BLOCK = 2
# A window must hold this part of its area in opaque texels, or a window twice as large decides.
_SUPPORT = 0.04
# Texels squared that are added to the spread of a window, so that a sliver of a few texels has no slope.
_RIDGE = 0.05


@njit(cache=True, nogil=True)
def reduce_blocks(rgba, disparity, tiles, tile, blocks):  # type: ignore[no-untyped-def]
    """Fills `blocks` from (H, W, 4) uint8 and (H, W) float32 where `tiles` (cells of `tile` texels) holds anything."""
    height, width = disparity.shape
    for ty in range(tiles.shape[0]):
        for tx in range(tiles.shape[1]):
            if not tiles[ty, tx]:
                continue
            for by in range(ty * tile // 2, min((ty + 1) * tile // 2, blocks.shape[0])):
                for bx in range(tx * tile // 2, min((tx + 1) * tile // 2, blocks.shape[1])):
                    x, y = 2 * bx, 2 * by
                    if x + 1 < width and y + 1 < height:
                        solid = rgba[y, x, 3] & rgba[y, x + 1, 3] & rgba[y + 1, x, 3] & rgba[y + 1, x + 1, 3]
                        total = disparity[y, x] + disparity[y, x + 1] + disparity[y + 1, x] + disparity[y + 1, x + 1]
                        if solid == 255 and math.isfinite(total):
                            blocks[by, bx, 0] = 4.0
                            blocks[by, bx, 1] = np.float32(0.25) * total
                            blocks[by, bx, 2] = x + 1
                            blocks[by, bx, 3] = y + 1
                            continue
                    weight = np.float32(0.0)
                    value = np.float32(0.0)
                    cx = np.float32(0.0)
                    cy = np.float32(0.0)
                    for y in range(2 * by, min(2 * by + 2, height)):
                        for x in range(2 * bx, min(2 * bx + 2, width)):
                            a = rgba[y, x, 3]
                            d = disparity[y, x]
                            if a > 0 and math.isfinite(d):
                                w = np.float32(a) * np.float32(1.0 / 255.0)
                                weight += w
                                value += w * d
                                cx += w * np.float32(x - 2 * bx)
                                cy += w * np.float32(y - 2 * by)
                    blocks[by, bx, 0] = weight
                    if weight > 0:
                        blocks[by, bx, 1] = value / weight
                        blocks[by, bx, 2] = np.float32(2 * bx) + cx / weight + np.float32(0.5)
                        blocks[by, bx, 3] = np.float32(2 * by) + cy / weight + np.float32(0.5)


@njit(cache=True, nogil=True)
def fit_window(blocks, px, py, half, width, wraps):  # type: ignore[no-untyped-def]
    """Least-squares plane through the blocks within `half` texels of (px, py): (weight in texels, value there)."""
    rows, columns = blocks.shape[0], blocks.shape[1]
    y0, y1 = max((py - half) // 2, 0), min((py + half + 1) // 2, rows)
    x0, x1 = (px - half) // 2, (px + half + 1) // 2
    if wraps:
        x1 = min(x1, x0 + columns)
    else:
        x0, x1 = max(x0, 0), min(x1, columns)
    s = sx = sy = sd = sxx = sxy = syy = sxd = syd = 0.0
    low, high = np.inf, -np.inf
    for by in range(y0, y1):
        for bx in range(x0, x1):
            column, shift = bx, 0
            if bx < 0:
                column, shift = bx + columns, -width
            elif bx >= columns:
                column, shift = bx - columns, width
            w = np.float64(blocks[by, column, 0])
            if w <= 0.0:
                continue
            d = np.float64(blocks[by, column, 1])
            x = blocks[by, column, 2] + shift - px
            y = blocks[by, column, 3] - py
            s += w
            sx += w * x
            sy += w * y
            sd += w * d
            sxx += w * x * x
            sxy += w * x * y
            syy += w * y * y
            sxd += w * x * d
            syd += w * y * d
            low = min(low, d)
            high = max(high, d)
    if s <= 0.0:
        return 0.0, 0.0
    mx, my, md = sx / s, sy / s, sd / s
    xx = sxx / s - mx * mx + _RIDGE
    yy = syy / s - my * my + _RIDGE
    xy = sxy / s - mx * my
    xd = sxd / s - mx * md
    yd = syd / s - my * md
    det = max(xx * yy - xy * xy, 1e-12)
    value = md - (xd * yy - yd * xy) / det * mx - (yd * xx - xd * xy) / det * my
    spread = high - low
    return s, min(max(value, low - spread), high + spread)


@njit(cache=True, nogil=True)
def fit_point(blocks, px, py, size, largest, width, wraps):  # type: ignore[no-untyped-def]
    """Disparity at a corner of cells of `size` texels; NaN where this frame holds nothing near."""
    half = max(size // 2, BLOCK)
    while True:
        weight, value = fit_window(blocks, px, py, half, width, wraps)
        if weight >= _SUPPORT * 4.0 * half * half:
            return value
        if half >= largest:
            return value if weight > 0.0 else np.nan
        half *= 2


@njit(cache=True, nogil=True)
def lattice_values(blocks, occupied, size, largest, width, height, wraps, values):  # type: ignore[no-untyped-def]
    """Fits all corners of the occupied cells of one size into `values` (rows + 1, columns + 1) float32."""
    rows, columns = occupied.shape
    for j in range(rows + 1):
        for i in range(columns + 1):
            near = False
            for v in range(max(j - 1, 0), min(j + 1, rows)):
                for u in range(max(i - 1, 0), min(i + 1, columns)):
                    near |= occupied[v, u]
            if near:
                px, py = min(i * size, width), min(j * size, height)
                values[j, i] = fit_point(blocks, px, py, size, largest, width, wraps)


@njit(cache=True, nogil=True)
def cell_errors(blocks, occupied, size, width, height, values, gain, errors):  # type: ignore[no-untyped-def]
    """Raises `errors` (2, rows, columns) to the largest alpha-weighted error of each cell, for both diagonals.

    Diagonal 0 joins top left and bottom right, diagonal 1 the others. A block's error counts by its mean alpha. The
    mean error of each sixteenth of a cell counts `gain` times: noise averages out there, and what is left is misfit.
    """
    part = max(size // 4, 2)
    for j in range(occupied.shape[0]):
        for i in range(occupied.shape[1]):
            if not occupied[j, i]:
                continue
            x0, y0 = i * size, j * size
            x1, y1 = min(x0 + size, width), min(y0 + size, height)
            a, b = values[j, i], values[j, i + 1]
            c, d = values[j + 1, i], values[j + 1, i + 1]
            worst0 = np.float64(errors[0, j, i])
            worst1 = np.float64(errors[1, j, i])
            for py in range(y0, y1, part):
                for px in range(x0, x1, part):
                    sum0 = 0.0
                    sum1 = 0.0
                    for by in range(py // 2, min((py + part) // 2, blocks.shape[0])):
                        for bx in range(px // 2, min((px + part) // 2, blocks.shape[1])):
                            w = blocks[by, bx, 0] * np.float32(0.25)
                            if w <= 0.0:
                                continue
                            u = (blocks[by, bx, 2] - x0) / (x1 - x0)
                            v = (blocks[by, bx, 3] - y0) / (y1 - y0)
                            p = a + u * (b - a) + v * (d - b) if u > v else a + v * (c - a) + u * (d - c)
                            r, s = 1.0 - u, 1.0 - v
                            q = a + u * (b - a) + v * (c - a) if u < s else d + r * (c - d) + s * (b - d)
                            error0 = w * (p - blocks[by, bx, 1])
                            error1 = w * (q - blocks[by, bx, 1])
                            worst0 = max(worst0, abs(error0))
                            worst1 = max(worst1, abs(error1))
                            sum0 += error0
                            sum1 += error1
                    scale = gain / ((part // 2) * (part // 2))
                    worst0 = max(worst0, scale * abs(sum0))
                    worst1 = max(worst1, scale * abs(sum1))
            errors[0, j, i] = worst0
            errors[1, j, i] = worst1


@njit(cache=True, nogil=True)
def point_values(blocks, points, sizes, largest, width, wraps, values):  # type: ignore[no-untyped-def]
    """Fits `values` (P,) at points (P, 2), each with the window of the smallest cell that it is a corner of."""
    for i in range(points.shape[0]):
        values[i] = fit_point(blocks, points[i, 0], points[i, 1], sizes[i], largest, width, wraps)


@njit(cache=True, nogil=True)
def triangle_errors(blocks, points, values, triangles, leaf_of, boxes, errors):  # type: ignore[no-untyped-def]
    """Raises `errors` (leaves,) to the largest alpha-weighted error of the blocks in each leaf's triangles.

    `boxes` (leaves, 4) x0, y0, x1, y1 in texels; triangles of one leaf are consecutive and `leaf_of` names it.
    """
    first = 0
    while first < triangles.shape[0]:
        leaf = leaf_of[first]
        end = first
        while end < triangles.shape[0] and leaf_of[end] == leaf:
            end += 1
        worst = errors[leaf]
        x0, y0, x1, y1 = boxes[leaf, 0], boxes[leaf, 1], boxes[leaf, 2], boxes[leaf, 3]
        for by in range(y0 // 2, min((y1 + 1) // 2, blocks.shape[0])):
            for bx in range(x0 // 2, min((x1 + 1) // 2, blocks.shape[1])):
                w = blocks[by, bx, 0] * 0.25
                if w <= 0.0:
                    continue
                x, y = blocks[by, bx, 2], blocks[by, bx, 3]
                for k in range(first, end):
                    a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
                    ax, ay = points[a, 0], points[a, 1]
                    ux, uy = points[b, 0] - ax, points[b, 1] - ay
                    vx, vy = points[c, 0] - ax, points[c, 1] - ay
                    det = ux * vy - uy * vx
                    s = ((x - ax) * vy - (y - ay) * vx) / det
                    t = (ux * (y - ay) - uy * (x - ax)) / det
                    if s >= -1e-9 and t >= -1e-9 and s + t <= 1.0 + 1e-9:
                        p = values[a] + s * (values[b] - values[a]) + t * (values[c] - values[a])
                        worst = max(worst, w * abs(p - blocks[by, bx, 1]))
                        break
        errors[leaf] = worst
        first = end
