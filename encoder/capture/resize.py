"""Smaller pictures by exact pixel-area averaging.

An image spans [0, W] x [0, H] with pixel centres at +0.5, and scaling by s maps the point p to s * p, nothing else.
So output pixel j averages the input over [j / s, (j + 1) / s], whatever W is: a camera model scaled by s then fits the
picture exactly, also where s * W is no whole number (the last column then covers only what the picture has, or a
fraction of a column is cut off).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numba import njit

from protocol.errors import UsageError


def scaled_size(width: int, height: int, scale: float | Fraction) -> tuple[int, int]:
    """Width and height in pixels of a `width` x `height` picture scaled by `scale`, at least 1 x 1.

    Raises:
        UsageError: `scale` is not in (0, 1].
    """
    if not 0 < scale <= 1:
        raise UsageError(f"scale {float(scale):g} is none to shrink by; give a number above 0 and up to 1")
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink_picture(picture: np.ndarray, scale: float | Fraction) -> np.ndarray:
    """The pixel-area average of `picture` at `scale`.

    Args:
        picture: (H, W, 3) uint8.
        scale: in (0, 1].

    Returns:
        (h, w, 3) uint8 with (w, h) = `scaled_size(W, H, scale)`, rounded to the nearest level; `picture` for scale 1.
    """
    height, width = picture.shape[:2]
    new_width, new_height = scaled_size(width, height, scale)
    if scale == 1:
        return picture
    rows, row_weights = _spans(height, new_height, scale)
    columns, column_weights = _spans(width, new_width, scale)
    out = np.empty((new_height, new_width, 3), np.uint8)
    _average(np.ascontiguousarray(picture), rows, row_weights, columns, column_weights, out)
    return out


def shrink_mask(mask: np.ndarray, scale: float | Fraction) -> np.ndarray:
    """`mask` (H, W) bool at `scale`: (h, w) bool, true only where all pixels covered, even in part, are true."""
    height, width = mask.shape
    new_width, new_height = scaled_size(width, height, scale)
    if scale == 1:
        return mask
    rows, row_weights = _spans(height, new_height, scale)
    columns, column_weights = _spans(width, new_width, scale)
    narrow = np.ones((height, new_width), bool)
    for tap in range(column_weights.shape[1]):
        covered = column_weights[:, tap] > 0
        source = np.minimum(columns + tap, width - 1)
        narrow &= mask[:, source] | ~covered
    small = np.ones((new_height, new_width), bool)
    for tap in range(row_weights.shape[1]):
        covered = row_weights[:, tap] > 0
        source = np.minimum(rows + tap, height - 1)
        small &= narrow[source] | ~covered[:, None]
    return small


@lru_cache(maxsize=64)
def _spans(size: int, new_size: int, scale: float | Fraction) -> tuple[np.ndarray, np.ndarray]:
    """First input pixel (new_size,) int64 of each output pixel, and weights (new_size, taps) float32 that sum to 1."""
    step = 1 / Fraction(scale).limit_denominator(1 << 20)
    taps = math.ceil(step) + 1
    first = np.zeros(new_size, np.int64)
    weights = np.zeros((new_size, taps), np.float64)
    for j in range(new_size):
        begin = min(j * step, Fraction(size - 1))
        end = min((j + 1) * step, Fraction(size))
        first[j] = begin.__floor__()
        for tap in range(taps):
            left = first[j] + tap
            weights[j, tap] = max(0, min(end, left + 1) - max(begin, left))
    weights /= weights.sum(axis=1, keepdims=True)
    return first, weights.astype(np.float32)


@njit(cache=True, nogil=True)
def _average(
    picture: np.ndarray,
    rows: np.ndarray,
    row_weights: np.ndarray,
    columns: np.ndarray,
    column_weights: np.ndarray,
    out: np.ndarray,
) -> None:
    width = picture.shape[1]
    flat = picture.reshape(picture.shape[0], width * 3)
    line = np.empty(width * 3, np.float32)
    half = np.float32(0.5)
    for i in range(out.shape[0]):
        line[:] = 0
        for tap in range(row_weights.shape[1]):
            weight = row_weights[i, tap]
            if weight > 0:
                row = rows[i] + tap
                for x in range(width * 3):
                    line[x] += weight * np.float32(flat[row, x])
        for j in range(out.shape[1]):
            red = half
            green = half
            blue = half
            for tap in range(column_weights.shape[1]):
                weight = column_weights[j, tap]
                if weight > 0:
                    x = 3 * (columns[j] + tap)
                    red += weight * line[x]
                    green += weight * line[x + 1]
                    blue += weight * line[x + 2]
            out[i, j, 0] = np.uint8(red)
            out[i, j, 1] = np.uint8(green)
            out[i, j, 2] = np.uint8(blue)
