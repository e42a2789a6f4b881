"""What a camera sees of given points, in a much reduced picture: details and errors of depth are averaged away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.capture.resize import shrink_mask, shrink_picture
from encoder.msi.views import View
from protocol import geometry
from protocol.geometry import Array


@dataclass(frozen=True, eq=False)
class PointColours:
    """Points in one camera's picture.

    Attributes:
        colour: (P, 3) levels of 255, sRGB.
        valid: (P,) bool, whether the camera sees the point; occlusion is not known.
        angle: (P,) radians off the optical axis.
    """

    colour: Array
    valid: NDArray[np.bool_]
    angle: Array


def point_colours(view: View, picture: NDArray[np.uint8], points: Array, *, width: int) -> PointColours:
    """Points (P, 3), show frame, in `picture` (H, W, 3) uint8 reduced to `width` pixels across, sampled linearly."""
    scale = min(1.0, width / picture.shape[1])
    small = shrink_picture(picture, scale).astype(np.float64)
    whole = shrink_mask(view.weight > 0, scale)
    rows, columns = small.shape[:2]
    camera = geometry.transform(geometry.inverse(view.T_show_camera), points)
    pixels, valid = view.model.project(camera)
    pixels = np.where(valid[:, None], pixels, -1e6) * [columns / picture.shape[1], rows / picture.shape[0]] - 0.5
    valid = valid & (pixels >= 0).all(axis=1) & (pixels[:, 0] < columns - 1) & (pixels[:, 1] < rows - 1)
    pixels = np.where(valid[:, None], pixels, 0.0)
    x, y = (pixels[:, c].astype(np.int64) for c in (0, 1))
    fx, fy = pixels[:, 0] - x, pixels[:, 1] - y
    colour = np.zeros((len(points), 3))
    for down, across, share in (
        (0, 0, (1 - fx) * (1 - fy)),
        (0, 1, fx * (1 - fy)),
        (1, 0, (1 - fx) * fy),
        (1, 1, fx * fy),
    ):
        colour += small[y + down, x + across] * share[:, None]
        valid &= whole[y + down, x + across]
    angle = np.arccos(np.clip(camera[:, 2] / np.maximum(np.linalg.norm(camera, axis=1), 1e-12), -1.0, 1.0))
    return PointColours(colour, valid, angle)
