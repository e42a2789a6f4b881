"""How alike two pictures are: PSNR and SSIM, with a mask of the pixels that count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.floating[Any]]
_RADIUS = 5
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2
MOST_PSNR = 100.0


def psnr(truth: Picture, render: Picture, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise in dB of (H, W, 3) pictures in 0..1 over the pixels of the mask; at most 100."""
    return psnr_of(float(np.mean(_chosen((truth.astype(np.float64) - render) ** 2, mask))))


def psnr_of(error: float) -> float:
    """dB of a mean squared error of values in 0..1; at most 100."""
    return MOST_PSNR if error <= 0 else min(MOST_PSNR, -10.0 * math.log10(error))


def ssim(truth: Picture, render: Picture, mask: NDArray[np.bool_] | None = None) -> float:
    """Structural similarity of (H, W, 3) pictures in 0..1 (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5.

    The mean over channels and over the pixels of the mask whose whole window lies in the picture.
    """
    a, b = truth.astype(np.float64), render.astype(np.float64)
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    cov = _blur(a * b) - mean_a * mean_b
    index = ((2 * mean_a * mean_b + _C1) * (2 * cov + _C2)) / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))
    inner = (slice(_RADIUS, -_RADIUS), slice(_RADIUS, -_RADIUS))
    return float(np.mean(_chosen(index[inner], None if mask is None else mask[inner])))


def _chosen(values: Picture, mask: NDArray[np.bool_] | None) -> Picture:
    return values if mask is None or not mask.any() else values[mask]


def _blur(image: Picture) -> Picture:
    taps = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        size = image.shape[axis]
        pad = [(0, 0)] * image.ndim
        pad[axis] = (_RADIUS, _RADIUS)
        padded = np.pad(image, pad, mode="symmetric")
        image = sum(tap * np.take(padded, range(k, k + size), axis=axis) for k, tap in enumerate(taps))
    return image
