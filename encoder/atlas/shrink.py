"""A painted atlas at a smaller texture scale: every texel is the exact mean of the area that it covers.

Colour is averaged in straight form: it is continued under transparent texels and in gutters, so that what is averaged
at a border belongs to the layer. Content starts on multiples of 8 texels, so for scales of whole eighths on a texel.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numba import njit
from numpy.typing import NDArray

from encoder.atlas.paint import Atlas


@dataclass(frozen=True)
class ShrinkPlan:
    """Which texels go into which, per axis.

    Attributes:
        rows, columns: (n, taps) int32 texels of the large atlas; weights behind the last are 0.
        row_weights, column_weights: (n, taps) uint16, the sum over taps is 2**(shift / 2).
        shift: of the sum over both axes.
    """

    rows: NDArray[np.int32]
    row_weights: NDArray[np.uint16]
    columns: NDArray[np.int32]
    column_weights: NDArray[np.uint16]
    shift: int


def shrink_plan(size: tuple[int, int], small: tuple[int, int], scale: Fraction) -> ShrinkPlan:
    """How an atlas of `size` becomes one of `small`, both width and height in texels.

    Where `small` reaches beyond the large atlas, its last row and column are repeated.

    Raises:
        ValueError: the scale is not in (0, 1], or no fraction of a power of two up to 16.
    """
    if not 0 < scale <= 1 or scale.denominator not in (1, 2, 4, 8, 16):
        raise ValueError(f"a texture scale of {scale} is not made of sixteenths up to 1")
    columns, column_weights = _taps(size[0], small[0], scale)
    rows, row_weights = _taps(size[1], small[1], scale)
    return ShrinkPlan(rows, row_weights, columns, column_weights, 2 * (scale.denominator.bit_length() - 1))


def shrink(plan: ShrinkPlan, atlas: Atlas, small: Atlas) -> None:
    """Writes `small` in place from `atlas`; both of the plan's sizes."""
    shape = (len(plan.rows), len(plan.columns))
    if small.alpha.shape != shape or atlas.alpha.shape < (int(plan.rows.max()) + 1, int(plan.columns.max()) + 1):
        raise ValueError(f"an atlas of {atlas.alpha.shape} does not shrink to {small.alpha.shape} by this plan")
    for image, out in ((atlas.colour, small.colour), (atlas.alpha[..., None], small.alpha[..., None])):
        _shrink(image, plan.rows, plan.row_weights, plan.columns, plan.column_weights, plan.shift, out)


def _taps(length: int, small: int, scale: Fraction) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Texels and weights of one axis: a small texel is `denominator` of the parts of which a texel has `numerator`."""
    p, q = scale.numerator, scale.denominator
    starts = np.arange(small)[:, None] * q
    taps = -(-(q + p - 1) // p)
    texels = starts // p + np.arange(taps)
    weights = np.minimum(starts + q, (texels + 1) * p) - np.maximum(starts, texels * p)
    return np.minimum(texels, length - 1).astype(np.int32), weights.clip(0).astype(np.uint16)


@njit(cache=True, nogil=True)
def _shrink(image, rows, row_weights, columns, column_weights, shift, out):  # type: ignore[no-untyped-def]
    channels = image.shape[2]
    half = np.uint32((1 << shift) >> 1)
    flat = image.reshape(image.shape[0], -1)
    sums = np.empty(flat.shape[1], np.uint16)
    for y in range(out.shape[0]):
        _weigh(flat, rows[y], row_weights[y], sums)
        for x in range(out.shape[1]):
            for c in range(channels):
                total = half
                for k in range(columns.shape[1]):
                    total += np.uint32(column_weights[x, k]) * np.uint32(sums[columns[x, k] * channels + c])
                out[y, x, c] = np.uint8(total >> np.uint32(shift))


@njit(cache=True, nogil=True)
def _weigh(flat, rows, weights, sums):  # type: ignore[no-untyped-def]
    """One row of weighted sums; at most 16 * 255."""
    sums[:] = 0
    for k in range(rows.shape[0]):
        row, weight = flat[rows[k]], weights[k]
        for i in range(sums.shape[0]):
            sums[i] += np.uint16(weight * np.uint16(row[i]))
