"""Pictures reduced to the pixels that matter where only some texels may change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoder.msi import change_kernels
from encoder.msi.scene import Scene
from encoder.msi.views import Floats


def focused(scene: Scene, pictures: Sequence[Floats], free: NDArray[np.uint8]) -> list[Floats]:
    """Pictures of the views whose weights are 0 where a pixel sees no free texel (N, H, W) of the scene."""
    out = []
    for view, picture, (origin, rays) in zip(scene.views, pictures, scene.rays, strict=True):
        sees = np.empty(rays.shape[1], np.uint8)
        change_kernels.sees(free, scene.disparities, scene.vector, origin, rays, sees)
        target = picture.copy()
        target[..., 3] *= sees.reshape(view.model.height, view.model.width)
        out.append(target)
    return out
