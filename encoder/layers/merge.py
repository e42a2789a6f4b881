"""Two layers of a group of pictures become one, in place: for devices that cannot blend as many as there are."""

from __future__ import annotations

import numpy as np
from numba import njit

from encoder.layers.layer_images import LayerImages

F = np.float32


def merge_layers(layers: LayerImages, far: int, near: int) -> None:
    """Composites layer `near` over layer `far`, in all frames; `near` is empty then.

    It is what `collapse` would have made of the shells of both, but for rounding. Colours under transparent texels are
    those of neither layer alone: dilate them again.
    """
    for rgba, disparity in zip(layers.rgba, layers.disparity, strict=True):
        merge_frame(rgba[near], disparity[near], rgba[far], disparity[far])
        rgba[near] = 0


@njit(cache=True, nogil=True)
def merge_frame(near, near_disparity, far, far_disparity):  # type: ignore[no-untyped-def]
    """Composites (H, W, 4) uint8 straight RGBA and (H, W) float32 disparities, by weight, into those of `far`."""
    for y in range(near.shape[0]):
        for x in range(near.shape[1]):
            if near[y, x, 3] == 0:
                continue
            front = F(near[y, x, 3]) / F(255)
            behind = (F(1) - front) * (F(far[y, x, 3]) / F(255))
            alpha = front + behind
            for c in range(3):
                mixed = (front * F(near[y, x, c]) + behind * F(far[y, x, c])) / alpha
                far[y, x, c] = np.uint8(min(mixed + F(0.5), F(255)))
            far[y, x, 3] = np.uint8(min(alpha * F(255) + F(0.5), F(255)))
            far_disparity[y, x] = (front * near_disparity[y, x] + behind * far_disparity[y, x]) / alpha
