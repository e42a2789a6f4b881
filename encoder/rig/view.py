"""What cameras see: fields of view, pixels per radian, and the part of the shells that they cover together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from encoder.rig.camera import Camera
from encoder.rig.camera_model import CameraModel
from protocol.geometry import Array, inverse, transform
from protocol.projection import Projection

# Beyond this tangent (72 degrees) texels of a plane are seen too obliquely to be worth their bits.
_WIDEST_TANGENT = 3.0
_TANGENT_STEP = 0.025
_ANGLE_STEP = math.radians(2.0)
# A gap in longitude below this is no end of the view.
_SMALLEST_GAP = math.radians(12.0)


def field_of_view(model: CameraModel) -> tuple[float, float]:
    """Horizontal and vertical field of view, radians, along the row and the column through the optical axis."""
    axis, _ = model.project(np.array([0.0, 0.0, 1.0]))
    x, y = np.clip(axis, 0.0, [model.width, model.height])
    across = np.stack([np.linspace(0.0, model.width, 513), np.full(513, y)], axis=-1)
    down = np.stack([np.full(513, x), np.linspace(0.0, model.height, 513)], axis=-1)
    spans = []
    for pixels, axis_index in ((across, 0), (down, 1)):
        rays, valid = model.unproject(pixels)
        angles = np.where(valid, np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2]), 0.0)
        angles = np.copysign(angles, rays[:, axis_index])
        spans.append(float(angles.max() - angles.min()))
    return spans[0], spans[1]


def native_density(cameras: Sequence[Camera]) -> float:
    """Texels per radian that match the cameras' pixels on their optical axes: the median over the cameras."""
    return float(np.median([pixels_per_radian(camera.model) for camera in cameras]))


def pixels_per_radian(model: CameraModel) -> float:
    """Pixels per radian on the optical axis, the geometric mean of both directions."""
    step = 1e-4
    pixels, _ = model.project(np.array([[step, 0, 1], [-step, 0, 1], [0, step, 1], [0, -step, 1.0]]))
    return float(math.sqrt(abs(np.linalg.det(np.stack([pixels[0] - pixels[1], pixels[2] - pixels[3]])))) / (2 * step))


def angular_window(
    cameras: Sequence[Camera],
    kind: Literal["sphere", "plane"],
    *,
    near: float,
    far: float,
    density: float,
    seen_by: int = 1,
) -> Projection:
    """The texel grid that covers what at least `seen_by` cameras see at any distance from near to far.

    Layers so reach past the frame of the central view. Planes end at a tangent of 3; spheres wrap where they span
    the turn.

    Args:
        cameras: in the show's frame (`moved(rig, show_frame(rig))`).
        near, far: distances (spheres) or depths (planes), show units; far may be infinite.
        density: texels per radian or per unit of tangent.
    """
    if kind == "plane":
        a = np.arange(-_WIDEST_TANGENT, _WIDEST_TANGENT + 1e-9, _TANGENT_STEP)
        b = a[::-1]
    else:
        a = np.arange(-math.pi, math.pi - 1e-9, _ANGLE_STEP)
        b = np.arange(0.5 * math.pi, -0.5 * math.pi - 1e-9, -_ANGLE_STEP)
    seen = _seen(cameras, kind, a, b, near=near, far=far, seen_by=seen_by)
    if not seen.any():
        seen[:] = True
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.asarray(seen.any(axis=0))
    step = _TANGENT_STEP if kind == "plane" else _ANGLE_STEP
    top, bottom = min(b[rows[0]] + step, b[0]), max(b[rows[-1]] - step, b[-1])
    if kind == "plane":
        found = np.flatnonzero(columns)
        left, right = max(a[found[0]] - step, a[0]), min(a[found[-1]] + step, a[-1])
    else:
        left, right = _turn(columns, a)
    wraps = kind == "sphere" and right - left > 2.0 * math.pi - 1e-6
    width = max(1, math.ceil((right - left) * density - 1e-6))
    if wraps:
        density = width / (2.0 * math.pi)
    height = max(1, math.ceil((top - bottom) * density - 1e-6))
    return Projection(kind, width, height, float(left), float(top), float(density), wraps)


def _seen(
    cameras: Sequence[Camera], kind: str, a: Array, b: Array, *, near: float, far: float, seen_by: int
) -> np.ndarray:
    """(len(b), len(a)) bool: the direction is seen by enough cameras at one of a few disparities."""
    grid = Projection("plane" if kind == "plane" else "sphere", 1, 1, 0.0, 0.0, 1.0)
    directions = grid.directions(np.stack(np.broadcast_arrays(a[None, :], -b[:, None]), axis=-1))
    out = np.zeros((len(b), len(a)), bool)
    for disparity in np.linspace(1.0 / far, 1.0 / near, 4):
        points = directions / max(disparity, 1e-9)
        count = np.zeros(out.shape, np.int32)
        for camera in cameras:
            pixels, valid = camera.model.project(transform(inverse(camera.T_rig_camera), points))
            count += valid & camera.model.inside(pixels)
        out |= count >= seen_by
    return out


def _turn(columns: np.ndarray, longitudes: Array) -> tuple[float, float]:
    """The span of longitudes, radians, that leaves out the widest gap; all of the turn where there is no real gap."""
    count = len(columns)
    missing = ~columns
    best_start, best_length, length = 0, 0, 0
    for i in range(2 * count):
        length = length + 1 if missing[i % count] else 0
        if length > best_length:
            best_start, best_length = (i - length + 1) % count, min(length, count)
    if (best_length - 2) * _ANGLE_STEP < _SMALLEST_GAP:
        return -math.pi, math.pi
    left = longitudes[(best_start + best_length) % count] - _ANGLE_STEP
    return float(left), float(left + (count - best_length + 1) * _ANGLE_STEP)
