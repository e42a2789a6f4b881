"""Which rectangles of a layer go into the atlas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.signedinteger[Any]]


def occupied_rects(cells: BoolArray, *, cell: int, gutter: int) -> IntArray:
    """Disjoint rectangles that hold every occupied cell, chosen so that the area with gutters is small.

    The bounding box is cut in two again and again, each time where the two tight boxes cost least; cuts that do not
    pay in the end are taken back, and then boxes whose union costs less than the two are joined. A box costs
    (w + 2 gutter) * (h + 2 gutter) texels.

    Args:
        cells: (rows, columns) bool.
        cell: texels a side of a cell.
        gutter: texels around each rectangle in the atlas.

    Returns:
        (R, 4) int32 x, y, width, height in cells, sorted by y, then x.
    """
    if not cells.any():
        return np.zeros((0, 4), np.int32)
    boxes = _join(_cut(cells, cell, gutter), cell, gutter)
    order = np.lexsort((boxes[:, 0], boxes[:, 1]))
    x0, y0, x1, y1 = boxes[order].T
    return np.stack([x0, y0, x1 - x0, y1 - y0], axis=1).astype(np.int32)


def rect_owners(rects: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Which rectangle (in cells) each cell belongs to; -1 for none."""
    owner = np.full(shape, -1, np.int32)
    for index, (x, y, w, h) in enumerate(rects):
        owner[y : y + h, x : x + w] = index
    return owner


def texel_rects(rects: IntArray, cell: int, width: int, height: int) -> IntArray:
    """Rectangles in cells -> in texels, clipped at the layer's border."""
    x0, y0 = rects[:, 0] * cell, rects[:, 1] * cell
    x1 = np.minimum((rects[:, 0] + rects[:, 2]) * cell, width)
    y1 = np.minimum((rects[:, 1] + rects[:, 3]) * cell, height)
    return np.stack([x0, y0, x1 - x0, y1 - y0], axis=1).astype(np.int32)


@njit(cache=True, nogil=True)
def _cost(x0, y0, x1, y1, cell, gutter):  # type: ignore[no-untyped-def]
    if x1 <= x0 or y1 <= y0:
        return 0
    return ((x1 - x0) * cell + 2 * gutter) * ((y1 - y0) * cell + 2 * gutter)


@njit(cache=True, nogil=True)
def _spans(cells, box, along_x):  # type: ignore[no-untyped-def]
    """For each column (or row) of the box: first, one past the last, and number of its occupied cells; (n, 3)."""
    x0, y0, x1, y1 = box[0], box[1], box[2], box[3]
    n = x1 - x0 if along_x else y1 - y0
    spans = np.empty((n, 3), np.int64)
    spans[:, 0] = 1 << 30
    spans[:, 1] = -1
    spans[:, 2] = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            if cells[y, x]:
                i, v = (x - x0, y) if along_x else (y - y0, x)
                spans[i, 0] = min(spans[i, 0], v)
                spans[i, 1] = max(spans[i, 1], v + 1)
                spans[i, 2] += 1
    return spans


@njit(cache=True, nogil=True)
def _prefix_boxes(spans):  # type: ignore[no-untyped-def]
    """(n + 1, 4): the tight box (first, low, end, high) of the first i spans; all zero where they are empty."""
    n = spans.shape[0]
    out = np.zeros((n + 1, 4), np.int64)
    empty = True
    for i in range(n):
        for k in range(4):
            out[i + 1, k] = out[i, k]
        if spans[i, 1] >= 0:
            if empty:
                out[i + 1, 0] = i
                out[i + 1, 1] = spans[i, 0]
                out[i + 1, 3] = spans[i, 1]
                empty = False
            out[i + 1, 1] = min(out[i + 1, 1], spans[i, 0])
            out[i + 1, 3] = max(out[i + 1, 3], spans[i, 1])
            out[i + 1, 2] = i + 1
    return out


@njit(cache=True, nogil=True)
def _best_cut(cells, box, cell, gutter):  # type: ignore[no-untyped-def]
    """The cheapest cut of a tight box: (cost, first box, second box); the cost is -1 where there is none.

    Most cuts shrink nothing and cost the same; of these, one where the number of occupied cells jumps leads on.
    """
    best = -1
    best_jump = 0
    first = np.zeros(4, np.int64)
    second = np.zeros(4, np.int64)
    for along_x in (True, False):
        spans = _spans(cells, box, along_x)
        n = spans.shape[0]
        fore = _prefix_boxes(spans)
        back = _prefix_boxes(spans[::-1])
        origin = box[0] if along_x else box[1]
        for i in range(1, n):
            a = fore[i]
            b = back[n - i]
            cost = _cost(a[0], a[1], a[2], a[3], cell, gutter) + _cost(b[0], b[1], b[2], b[3], cell, gutter)
            jump = abs(spans[i, 2] - spans[i - 1, 2])
            if best < 0 or cost < best or (cost == best and jump > best_jump):
                best = cost
                best_jump = jump
                a0, a1 = origin + a[0], origin + a[2]
                b0, b1 = origin + n - b[2], origin + n - b[0]
                if along_x:
                    first[0], first[1], first[2], first[3] = a0, a[1], a1, a[3]
                    second[0], second[1], second[2], second[3] = b0, b[1], b1, b[3]
                else:
                    first[0], first[1], first[2], first[3] = a[1], a0, a[3], a1
                    second[0], second[1], second[2], second[3] = b[1], b0, b[3], b1
    return best, first, second


@njit(cache=True, nogil=True)
def _cut(cells, cell, gutter):  # type: ignore[no-untyped-def]
    total = 0
    x0, y0, x1, y1 = cells.shape[1], cells.shape[0], 0, 0
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            if cells[y, x]:
                total += 1
                x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x + 1), max(y1, y + 1)
    boxes = np.zeros((2 * total, 4), np.int64)
    child = np.full(2 * total, -1, np.int64)
    best = np.zeros(2 * total, np.int64)
    boxes[0, 0], boxes[0, 1], boxes[0, 2], boxes[0, 3] = x0, y0, x1, y1
    count = 1
    i = 0
    while i < count:
        box = boxes[i]
        best[i] = _cost(box[0], box[1], box[2], box[3], cell, gutter)
        if not cells[box[1] : box[3], box[0] : box[2]].all():
            _, first, second = _best_cut(cells, box, cell, gutter)
            child[i] = count
            for k in range(4):
                boxes[count, k] = first[k]
                boxes[count + 1, k] = second[k]
            count += 2
        i += 1
    for i in range(count - 1, -1, -1):
        if child[i] >= 0:
            parts = best[child[i]] + best[child[i] + 1]
            if parts < best[i]:
                best[i] = parts
            else:
                child[i] = -1
    kept = np.zeros(count, np.bool_)
    alive = np.zeros(count, np.bool_)
    alive[0] = True
    for i in range(count):
        if alive[i]:
            if child[i] >= 0:
                alive[child[i]] = True
                alive[child[i] + 1] = True
            else:
                kept[i] = True
    return boxes[:count][kept]


@njit(cache=True, nogil=True)
def _join(boxes, cell, gutter):  # type: ignore[no-untyped-def]
    n = boxes.shape[0]
    alive = np.ones(n, np.bool_)
    changed = True
    while changed:
        changed = False
        for i in range(n):
            for j in range(i + 1, n):
                if not (alive[i] and alive[j]):
                    continue
                a, b = boxes[i], boxes[j]
                x0, y0, x1, y1 = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
                parts = _cost(a[0], a[1], a[2], a[3], cell, gutter) + _cost(b[0], b[1], b[2], b[3], cell, gutter)
                if _cost(x0, y0, x1, y1, cell, gutter) > parts:
                    continue
                free = True
                for k in range(n):
                    c = boxes[k]
                    if k != i and k != j and alive[k] and c[0] < x1 and c[2] > x0 and c[1] < y1 and c[3] > y0:
                        free = False
                        break
                if free:
                    a[0], a[1], a[2], a[3] = x0, y0, x1, y1
                    alive[j] = False
                    changed = True
    return boxes[alive]
