"""Near and far by a coarse sweep, for rigs that come without points and whose crew gave no range."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from encoder.capture.footage import Footage
from encoder.msi.scene import Scene
from encoder.msi.sweep import SweepConfig, sweep
from encoder.msi.views import View, image_with_weight
from encoder.rig.camera import Camera
from encoder.rig.view import angular_window
from protocol.errors import RigError
from protocol.projection import ShellKind, shell_disparities

_SHELLS = 96
_TEXELS = 40_000  # of the coarse grid
_NEAREST = 1.5  # of the rig's radius
_FARTHEST = 60.0  # of the rig's extent: beyond, parallax is under a pixel of most rigs
_TAIL = 0.003  # share of the picture that may lie nearer than near


def find_near_far(
    sources: Sequence[View],
    cameras: Sequence[Camera],
    footage: Footage,
    *,
    kind: ShellKind,
    density: float,
    seen_by: int,
) -> tuple[float, float]:
    """Nearest and farthest surface of the first frame, in the rig's units, with margins.

    Raises:
        RigError: the cameras see nothing in common.
    """
    centres = np.stack([view.origin for view in sources])
    extent = float(np.linalg.norm(centres[:, None] - centres[None], axis=-1).max())
    radius = float(np.linalg.norm(centres, axis=1).max())
    near, far = _NEAREST * max(radius, 0.5 * extent), _FARTHEST * extent
    if not 0 < near < far:
        raise RigError("the cameras all stand in one place; depth cannot be told, check the calibration's translations")
    window = angular_window(cameras, kind, near=near, far=far, density=density, seen_by=seen_by)
    coarse = density * math.sqrt(min(1.0, _TEXELS / (window.width * window.height)))
    window = angular_window(cameras, kind, near=near, far=far, density=coarse, seen_by=seen_by)
    scene = Scene(window, shell_disparities(_SHELLS, near=near, far=far).astype(np.float32), tuple(sources))
    frame = next(iter(footage.frames(0, 1)))
    images = [image_with_weight(view, frame.images[view.name]) for view in sources]
    # Little is trusted: only texels whose softmax has settled on a few shells say where things are.
    shells = sweep(scene, images, SweepConfig(passes=1, radius=2, temperature=0.0005))
    weights = _settled(shells[..., 3])
    if not weights.any():
        raise RigError(
            "the cameras see nothing in common; check that the calibration belongs to this footage, or give --near and --far"
        )
    share = np.cumsum(weights[::-1])[::-1] / weights.sum()
    nearest = int(np.nonzero(share > _TAIL)[0].max())
    farthest = int(np.nonzero(share < 1.0 - _TAIL)[0].min()) if (share < 1.0 - _TAIL).any() else 0
    d = scene.disparities.astype(np.float64)
    step = d[1] - d[0]
    top = min(d[-1], d[nearest] + 2 * step)
    bottom = d[0] if farthest <= 2 else max(d[0], d[farthest] - 2 * step)
    return float(1.0 / top), float(1.0 / bottom)


def _settled(alpha: np.ndarray) -> np.ndarray:
    """(N,) summed view weights of the texels whose greatest weight over three neighbouring shells is more than half."""
    T = np.ones(alpha.shape[1:], np.float32)
    weights = np.empty_like(alpha)
    for i in reversed(range(len(alpha))):
        weights[i] = T * alpha[i]
        T -= weights[i]
    near = weights.copy()
    near[1:] += weights[:-1]
    near[:-1] += weights[1:]
    settled = near.max(axis=0) > 0.5
    return (weights * settled).sum(axis=(1, 2))
