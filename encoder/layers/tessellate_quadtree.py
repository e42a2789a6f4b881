"""A balanced quadtree over a layer and its crack-free triangles.

Leaves are squares of `smallest * 2**level` texels, clipped at the right and bottom border. Neighbouring leaves differ
by at most one level (corners included), so an edge holds at most one point of its neighbours between its ends; the
leaf polygon uses that point, and no T-junction is left. The right edge of a layer that wraps meets its left edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from encoder.layers.occupancy import any_in_cells

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Leaves:
    """Leaves with triangles over shared points.

    Attributes:
        level: (N,) int8; cells: (N, 2) int32 row, column in the level.
        boxes: (N, 4) int32 x0, y0, x1, y1 texels, clipped.
        points: (P, 2) int32 texel corners, row by row; sizes: (P,) int32 the smallest leaf at each point, texels.
        triangles: (M, 3) int32, x to the right and y down the order is clockwise; leaf_of: (M,) int32.
        twins: (K, 2) int32 pairs of points (x = W, x = 0) that are one place of a layer that wraps.
    """

    level: NDArray[np.int8]
    boxes: IntArray
    cells: IntArray
    points: IntArray
    sizes: IntArray
    triangles: IntArray
    leaf_of: IntArray
    twins: IntArray


def occupied_levels(occupied: BoolArray, *, smallest: int, count: int) -> list[BoolArray]:
    """(H, W) bool -> per level whether each cell of `smallest * 2**level` texels holds anything."""
    levels = [any_in_cells(occupied, size=smallest)]
    while len(levels) < count:
        levels.append(any_in_cells(levels[-1], size=2))
    return levels


def cut_levels(levels: list[BoolArray], *, lowest: int) -> list[BoolArray]:
    """Per level, the cells that hold an empty cell of level `lowest` or above; cutting them sheds that one."""
    cuts = [np.zeros_like(level) for level in levels[: lowest + 1]]
    for below, level in zip(levels[lowest:-1], levels[lowest + 1 :], strict=True):
        shed = any_in_cells(~below | cuts[-1], size=2)
        cuts.append(shed & level)
    return cuts


def balance(levels: list[BoolArray], splits: list[BoolArray], *, wraps: bool) -> None:
    """Splits more cells in place: the parents of split cells, and those whose leaves differ by more than a level."""
    for k in range(1, len(levels) - 1):
        _balance_level(levels[k], splits[k], splits[k + 1], wraps)


def children(cells: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    """Cells of one level -> the cells below them, of the level of `shape`."""
    out = np.zeros((2 * cells.shape[0], 2 * cells.shape[1]), np.bool_)
    for y in (0, 1):
        for x in (0, 1):
            out[y::2, x::2] = cells
    return out[: shape[0], : shape[1]]


def gather_leaves(levels: list[BoolArray], splits: list[BoolArray]) -> list[BoolArray]:
    """Per level, which cells are leaves; every occupied texel lies in exactly one."""
    exists = np.ones_like(levels[-1])
    leaves: list[BoolArray] = []
    for k in range(len(levels) - 1, -1, -1):
        leaves.append(exists & levels[k] & ~splits[k])
        if k > 0:
            exists = children(exists & levels[k] & splits[k], levels[k - 1].shape)
    return leaves[::-1]


def triangulate(
    leaves: list[BoolArray], diagonals: list[BoolArray], *, smallest: int, width: int, height: int, wraps: bool
) -> Leaves:
    """Triangles over the leaves of `gather_leaves`; `diagonals` per level says which diagonal a plain leaf takes."""
    cells = [np.argwhere(leaf).astype(np.int32) for leaf in leaves]
    level = np.repeat(np.arange(len(cells), dtype=np.int8), [len(c) for c in cells])
    flip = np.concatenate([d[c[:, 0], c[:, 1]] for d, c in zip(diagonals, cells, strict=True)])
    cell = np.concatenate(cells)
    size = smallest << level.astype(np.int32)
    order = np.lexsort((cell[:, 1] * size, cell[:, 0] * size))
    level, flip, cell, size = level[order], flip[order], cell[order], size[order]
    last_row, last_column = -(-height // smallest), -(-width // smallest)
    # Corners on the lattice of the smallest leaves; the last row and column stand for the clipped border.
    step = size // smallest
    corners = np.stack([cell[:, 1] * step, cell[:, 0] * step, (cell[:, 1] + 1) * step, (cell[:, 0] + 1) * step], axis=1)
    corners = np.minimum(corners, np.array([last_column, last_row, last_column, last_row], np.int32)).astype(np.int32)
    sizes = np.full((last_row + 1, last_column + 1), np.iinfo(np.int32).max, np.int32)
    for ix, iy in ((0, 1), (2, 1), (0, 3), (2, 3)):
        np.minimum.at(sizes, (corners[:, iy], corners[:, ix]), size.astype(np.int32))
    if wraps:
        sizes[:, 0] = sizes[:, -1] = np.minimum(sizes[:, 0], sizes[:, -1])
    used, polygons, counts = _polygons(corners, step.astype(np.int32), sizes)
    ids = np.full(used.shape, -1, np.int32)
    rows, columns = np.nonzero(used)
    ids[rows, columns] = np.arange(len(rows), dtype=np.int32)
    triangles, leaf_of = _fans(polygons, counts, ids, flip)
    points = np.stack([np.minimum(columns * smallest, width), np.minimum(rows * smallest, height)], axis=1)
    twins = np.stack([ids[:, -1], ids[:, 0]], axis=1) if wraps else np.zeros((0, 2), np.int32)
    limit = np.array([width, height, width, height])
    return Leaves(
        level=level,
        boxes=np.minimum(corners * smallest, limit).astype(np.int32),
        cells=cell,
        points=points.astype(np.int32),
        sizes=sizes[rows, columns],
        triangles=triangles,
        leaf_of=leaf_of,
        twins=twins[(twins >= 0).all(axis=1)],
    )


@njit(cache=True, nogil=True)
def _balance_level(occupied, split, above, wraps):  # type: ignore[no-untyped-def]
    rows, columns = split.shape
    for j in range(rows):
        for i in range(columns):
            if not split[j, i]:
                continue
            for v in range(max(j - 1, 0), min(j + 2, rows)):
                for u in range(i - 1, i + 2):
                    c = u
                    if wraps:
                        c = (u + columns) % columns
                    elif u < 0 or u >= columns:
                        continue
                    if occupied[v, c]:
                        above[v // 2, c // 2] = True


@njit(cache=True, nogil=True)
def _polygons(corners, step, sizes):  # type: ignore[no-untyped-def]
    """Clockwise lattice points (N, 8, 2) of every leaf, starting at a middle point where there is one."""
    n = corners.shape[0]
    missing = np.iinfo(np.int32).max
    used = np.zeros(sizes.shape, np.bool_)
    polygons = np.zeros((n, 8, 2), np.int32)
    counts = np.zeros(n, np.int32)
    ring = np.empty((8, 2), np.int32)
    for k in range(n):
        x0, y0 = np.int64(corners[k, 0]), np.int64(corners[k, 1])
        x1, y1 = np.int64(corners[k, 2]), np.int64(corners[k, 3])
        mx, my = x0 + step[k] // 2, y0 + step[k] // 2
        count = 0
        first = -1
        turn = ((x0, y0), (mx, y0), (x1, y0), (x1, my), (x1, y1), (mx, y1), (x0, y1), (x0, my))
        for place in range(8):
            x, y = turn[place]
            middle = place % 2 == 1
            if middle and (step[k] < 2 or x >= sizes.shape[1] or y >= sizes.shape[0] or sizes[y, x] == missing):
                continue
            if middle and ((y in (y0, y1) and not x0 < x < x1) or (x in (x0, x1) and not y0 < y < y1)):
                continue
            if middle and first < 0:
                first = count
            ring[count, 0], ring[count, 1] = x, y
            used[y, x] = True
            count += 1
        counts[k] = count
        for i in range(count):
            turned = (max(first, 0) + i) % count
            polygons[k, i, 0], polygons[k, i, 1] = ring[turned, 0], ring[turned, 1]
    return used, polygons, counts


@njit(cache=True, nogil=True)
def _fans(polygons, counts, ids, flip):  # type: ignore[no-untyped-def]
    """A fan from the first point of each polygon: a middle point, whose fan has no flat triangle, else a corner."""
    total = 0
    for k in range(counts.shape[0]):
        total += counts[k] - 2
    triangles = np.empty((total, 3), np.int32)
    leaf_of = np.empty(total, np.int32)
    m = 0
    for k in range(counts.shape[0]):
        n = counts[k]
        start = 1 if n == 4 and flip[k] else 0
        for i in range(1, n - 1):
            a, b, c = start, (start + i) % n, (start + i + 1) % n
            triangles[m, 0] = ids[polygons[k, a, 1], polygons[k, a, 0]]
            triangles[m, 1] = ids[polygons[k, b, 1], polygons[k, b, 0]]
            triangles[m, 2] = ids[polygons[k, c, 1], polygons[k, c, 0]]
            leaf_of[m] = k
            m += 1
    return triangles, leaf_of
