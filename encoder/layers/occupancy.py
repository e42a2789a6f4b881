"""Where a layer has anything to show during a group of pictures."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]


def occupied_texels(rgba: NDArray[np.uint8], *, threshold: int, wraps: bool) -> BoolArray:
    """The texels that are seen in any frame, and their eight neighbours (bilinear sampling reaches these).

    Args:
        rgba: (T, H, W, 4) uint8, may be memory-mapped; frames are visited one at a time.
        threshold: the least alpha, 1..255, that counts.
        wraps: column W is column 0.

    Returns:
        (H, W) bool.
    """
    seen = np.zeros(rgba.shape[1:3], np.bool_)
    for t in range(rgba.shape[0]):
        _gather_alpha(np.asarray(rgba[t]), threshold, seen)
    return dilate(seen, wraps=wraps)


def dilate(mask: BoolArray, *, wraps: bool) -> BoolArray:
    """(H, W) bool -> the same grown by one texel in eight directions."""
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    out = rows.copy()
    out[:, 1:] |= rows[:, :-1]
    out[:, :-1] |= rows[:, 1:]
    if wraps:
        out[:, 0] |= rows[:, -1]
        out[:, -1] |= rows[:, 0]
    return out


def any_in_cells(mask: BoolArray, *, size: int) -> BoolArray:
    """(H, W) bool -> (ceil(H/size), ceil(W/size)) bool: whether the cell of `size` texels a side holds anything."""
    height, width = mask.shape
    padded = np.zeros((-(-height // size) * size, -(-width // size) * size), np.bool_)
    padded[:height, :width] = mask
    rows = np.logical_or.reduceat(padded, np.arange(0, padded.shape[0], size), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, padded.shape[1], size), axis=1)


@njit(cache=True, nogil=True)
def _gather_alpha(rgba, threshold, seen):  # type: ignore[no-untyped-def]
    for y in range(rgba.shape[0]):
        for x in range(rgba.shape[1]):
            seen[y, x] |= rgba[y, x, 3] >= threshold
