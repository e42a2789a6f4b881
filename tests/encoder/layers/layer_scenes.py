"""Layers like real ones: blobs with soft edges on slanted and bent surfaces, moving or still, noisy or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.projection import Projection

DENSITY = 573.0


def grid(width: int, height: int, *, wraps: bool = False) -> Projection:
    """A grid of 10 texels a degree; one that wraps has the density that its width makes."""
    density = width / (2.0 * np.pi) if wraps else DENSITY
    return Projection("sphere", width, height, -0.5 * width / density, 0.5 * height / density, density, wraps)


def blobs(
    *,
    width: int,
    height: int,
    frames: int = 2,
    count: int = 3,
    seed: int = 0,
    noise: float = 0.0,
    bend: float = 0.0,
    wraps: bool = False,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(T, H, W, 4) colour and alpha, (T, H, W) disparity with nonsense under alpha 0; the first blob moves.

    `bend` is the height, 1/m, of the bulge of each blob over a slanted plane; the field is one smooth surface.
    """
    rng = np.random.default_rng(seed)
    rgba = np.zeros((frames, height, width, 4), np.uint8)
    disparity = np.zeros((frames, height, width), np.float32)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    centres = rng.uniform(0, 1, (count, 2)) * [width, height]
    radii = rng.uniform(0.05, 0.4, count) * min(width, height)
    period = 2 * np.pi / width
    for t in range(frames):
        alpha = np.zeros((height, width))
        for k in range(count):
            dx = x - centres[k, 0] - (2.0 * t if k == 0 else 0.0)
            if wraps:
                dx = (dx + width / 2) % width - width / 2
            alpha = np.maximum(alpha, np.clip(radii[k] - np.hypot(dx, y - centres[k, 1]) + 0.5, 0, 1))
        plane = 0.02 * np.sin(x * period) if wraps else 1e-4 * x
        field = 0.5 + plane + 5e-5 * y + bend * np.sin(x * period * 2) * np.cos(y * 0.02)
        field = field + noise * rng.normal(size=field.shape)
        rgba[t, ..., :3] = rng.integers(0, 256, (height, width, 3))
        rgba[t, ..., 3] = np.round(alpha * 255)
        disparity[t] = np.where(alpha > 0, field, rng.uniform(0, 5, field.shape))
    return rgba, disparity
