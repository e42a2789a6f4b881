"""Straight colour under transparent texels: extended from what is seen; filters and codecs then meet no edge there."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEUTRAL = 127
_NEAR, _FAR = 5, 9  # levels of the pyramid


def dilate_colour(rgba: NDArray[np.uint8], *, reach: int = _NEAR) -> NDArray[np.uint8]:
    """Fills the colour of texels with alpha 0 by push-pull: averages of 2, 4, ... 2**reach texels, coarse to fine.

    Colour under any alpha above 0 stays as it is. What lies farther than about three times 2**reach texels from it
    becomes a neutral grey, so that a change in the picture never changes a far part of it (Gortler et al. 1996, section
    3.4, bounded).

    Args:
        rgba: (H, W, 4) uint8, straight colour.
        reach: levels of the pyramid.

    Returns:
        (H, W, 4) uint8, alpha unchanged.

    Raises:
        ValueError: `reach` below 1.
    """
    if reach < 1:
        raise ValueError(f"reach is {reach} levels; give at least 1")
    pyramid = [_premultiply(rgba)]
    for _ in range(reach):
        height, width = pyramid[-1].shape[:2]
        coarse = np.zeros((-(-height // 2), -(-width // 2), 4), np.float32)
        _push(pyramid[-1], coarse)
        pyramid.append(coarse)
    pyramid[-1] = _settle(pyramid[-1], NEUTRAL)
    for fine, coarse in zip(pyramid[-2:0:-1], pyramid[:1:-1], strict=True):
        _pull(coarse, fine)
    out = rgba.copy()
    _pull_bytes(pyramid[1], out)
    return out


def fill_colours(rgba: NDArray[np.uint8], *, wraps: bool = False) -> None:
    """Gives transparent texels of layers (L, H, W, 4) colours, in place; those of the farthest, 0, from far away too.

    Where the layers wrap, their first column lies beside the last one.
    """
    for index, layer in enumerate(rgba):
        reach = _FAR if index == 0 else _NEAR
        beyond = min(layer.shape[1] // 2, 2**reach) if wraps else 0
        around = np.pad(layer, ((0, 0), (beyond, beyond), (0, 0)), mode="wrap") if beyond else layer
        layer[...] = dilate_colour(around, reach=reach)[:, beyond : beyond + layer.shape[1]]


def fill_layers(rgba: NDArray[np.uint8], *, wraps: bool = False) -> None:
    """The same, and the farthest layer becomes opaque: no holes."""
    fill_colours(rgba, wraps=wraps)
    rgba[0, ..., 3] = 255


@njit(cache=True, nogil=True)
def _premultiply(rgba):  # type: ignore[no-untyped-def]
    height, width = rgba.shape[:2]
    out = np.empty((height, width, 4), np.float32)
    for y in range(height):
        for x in range(width):
            a = np.float32(rgba[y, x, 3])
            for c in range(3):
                out[y, x, c] = a * np.float32(rgba[y, x, c])
            out[y, x, 3] = a
    return out


@njit(cache=True, nogil=True)
def _push(fine, coarse):  # type: ignore[no-untyped-def]
    """Sums of 2x2 colours times weight, and weights."""
    for y in range(fine.shape[0]):
        for x in range(fine.shape[1]):
            if fine[y, x, 3] > 0:
                for c in range(4):
                    coarse[y // 2, x // 2, c] += fine[y, x, c]


@njit(cache=True, nogil=True)
def _settle(level, neutral):  # type: ignore[no-untyped-def]
    """Sums -> colours of weight 1; cells without weight take their neighbours' mean, or become neutral."""
    rows, columns = level.shape[:2]
    out = np.empty_like(level)
    for y in range(rows):
        for x in range(columns):
            out[y, x] = 0.0
            reach = 0 if level[y, x, 3] > 0 else 1
            for v in range(max(y - reach, 0), min(y + reach + 1, rows)):
                for u in range(max(x - reach, 0), min(x + reach + 1, columns)):
                    if level[v, u, 3] > 0:
                        for c in range(3):
                            out[y, x, c] += level[v, u, c] / level[v, u, 3]
                        out[y, x, 3] += 1.0
            for c in range(3):
                out[y, x, c] = out[y, x, c] / out[y, x, 3] if out[y, x, 3] > 0 else np.float32(neutral)
            out[y, x, 3] = 1.0
    return out


@njit(cache=True, nogil=True)
def _upsampled(coarse, y, x, c):  # type: ignore[no-untyped-def]
    """Bilinear value of a settled level at texel (y, x) of the level below."""
    rows, columns = coarse.shape[:2]
    y0, x0 = (y - 1) // 2, (x - 1) // 2
    fy = np.float32(0.25) if y % 2 else np.float32(0.75)
    fx = np.float32(0.25) if x % 2 else np.float32(0.75)
    ya, yb = max(y0, 0), min(y0 + 1, rows - 1)
    xa, xb = max(x0, 0), min(x0 + 1, columns - 1)
    top = coarse[ya, xa, c] * (1 - fx) + coarse[ya, xb, c] * fx
    low = coarse[yb, xa, c] * (1 - fx) + coarse[yb, xb, c] * fx
    return top * (1 - fy) + low * fy


@njit(cache=True, nogil=True)
def _pull(coarse, fine):  # type: ignore[no-untyped-def]
    """Settles a level: its own average where it has any weight, else the coarser level's."""
    for y in range(fine.shape[0]):
        for x in range(fine.shape[1]):
            w = fine[y, x, 3]
            for c in range(3):
                fine[y, x, c] = fine[y, x, c] / w if w > 0 else _upsampled(coarse, y, x, c)
            fine[y, x, 3] = 1.0


@njit(cache=True, nogil=True)
def _pull_bytes(coarse, rgba):  # type: ignore[no-untyped-def]
    for y in range(rgba.shape[0]):
        for x in range(rgba.shape[1]):
            if rgba[y, x, 3] == 0:
                for c in range(3):
                    rgba[y, x, c] = np.uint8(_upsampled(coarse, y, x, c) + np.float32(0.5))
