"""How the texels of shells and layers map to directions: spheres (MSI) and planes (MPI) behind one class.

A point of the world is `direction(x, y) / disparity`: on a sphere the direction is a unit vector and disparity is
1/distance from the origin; on a plane the direction is (X, Y, -1) and disparity is 1/depth along -z. Nothing downstream
asks which.
Frames follow the show's world (right-handed, +x right, +y up, -z forward). Texel (0, 0) covers [0, 1) x [0, 1), x to
the right and y down. SPEC section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ShellKind = Literal["sphere", "plane"]
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Projection:
    """The texel grid shared by all shells and layers of a show.

    Attributes:
        kind: "sphere" (x is longitude, y is latitude) or "plane" (x, y are tangents).
        width, height: texels.
        left: longitude (radians, 0 forward, positive to the right) or tangent X at x = 0.
        top: latitude (radians, positive up) or tangent Y at y = 0.
        density: texels per radian or per unit of tangent.
        wraps: the grid spans all 2*pi of longitude and x = width is x = 0.
    """

    kind: ShellKind
    width: int
    height: int
    left: float
    top: float
    density: float
    wraps: bool = False

    def directions(self, xy: FloatArray) -> FloatArray:
        """(..., 2) texel coordinates -> (..., 3) float64 directions (unit on spheres, z = -1 on planes)."""
        a = self.left + np.asarray(xy[..., 0], np.float64) / self.density
        b = self.top - np.asarray(xy[..., 1], np.float64) / self.density
        if self.kind == "plane":
            return np.stack([a, b, np.full_like(a, -1.0)], axis=-1)
        return np.stack([np.sin(a) * np.cos(b), np.sin(b), -np.cos(a) * np.cos(b)], axis=-1)

    def locate(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(..., 3) world points, metres -> (..., 2) texel coordinates and (...) disparities, 1/metre.

        Longitudes are brought into the turn that starts at `left`. Points behind a plane get a disparity <= 0.
        """
        p = np.asarray(points, np.float64)
        if self.kind == "plane":
            with np.errstate(divide="ignore", invalid="ignore"):
                disparity = 1.0 / -p[..., 2]
                a = p[..., 0] * disparity
                b = p[..., 1] * disparity
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                disparity = 1.0 / np.linalg.norm(p, axis=-1)
            a = np.arctan2(p[..., 0], -p[..., 2])
            slack = 0.5 * (2.0 * math.pi - self.width / self.density)
            a = self.left - slack + np.mod(a - self.left + slack, 2.0 * math.pi)
            b = np.arctan2(p[..., 1], np.hypot(p[..., 0], p[..., 2]))
        return np.stack([(a - self.left) * self.density, (self.top - b) * self.density], axis=-1), disparity


def shell_disparities(count: int, *, near: float, far: float) -> FloatArray:
    """(count,) float64 disparities of shells uniform in disparity, 1/metre, index 0 farthest (DESIGN 3).

    `near` and `far` are distances in metres; far may be infinite.
    """
    if count == 1:
        return np.array([1.0 / far])
    return np.linspace(1.0 / far, 1.0 / near, count)


def shells_for(*, near: float, far: float, head_offset: float, pixels_per_radian: float, delta: float = 1.0) -> int:
    """Shells needed so that neighbours shift by at most `delta` pixels at `head_offset` metres (DESIGN 3)."""
    return 1 + math.ceil(head_offset * pixels_per_radian * (1.0 / near - 1.0 / far) / delta - 1e-9)
