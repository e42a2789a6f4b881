"""Lenses that see beyond 90 degrees off the axis: Kannala-Brandt and the double sphere."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from encoder.rig.array_namespace import namespace, smallest_step, solve_increasing
from encoder.rig.camera_model import CameraModel
from encoder.rig.perspective import _focal_stretched
from protocol.errors import RigError


class KannalaBrandt(CameraModel):
    """theta_d = theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8) along the direction (X, Y).

    Kannala and Brandt 2006, equation 6, as in OpenCV's fisheye module. Broxton's fisheye is it with k3 = k4 = 0.
    Valid up to the angle where theta_d stops growing, half a turn at most.
    """

    kind: ClassVar[str] = "kannala_brandt"
    parameter_names: ClassVar[tuple[str, ...]] = ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4")

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        fx, fy, cx, cy = self.params[:4]
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        off_axis = x * x + y * y > 1e-24 * z * z
        radius = xp.sqrt(xp.where(off_axis, x * x + y * y, xp.ones_like(z)))
        theta = xp.where(off_axis, xp.arctan2(radius, z), xp.where(z > 0, 0.0 * z, 0.0 * z + math.pi))
        scale = xp.where(
            off_axis, self._value_and_slope(theta)[0] / radius, 1.0 / xp.where((z > 0) & ~off_axis, z, xp.ones_like(z))
        )
        valid = theta < self.largest_angle
        return xp.stack([fx * scale * x + cx, fy * scale * y + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        fx, fy, cx, cy = self.params[:4]
        u, v = (q[..., 0] - cx) / fx, (q[..., 1] - cy) / fy
        off_axis = u * u + v * v > 1e-24
        radius = xp.sqrt(xp.where(off_axis, u * u + v * v, xp.ones_like(u)))
        reach = xp.where(off_axis, radius, xp.zeros_like(u))
        theta = solve_increasing(self._value_and_slope, reach, self.largest_angle, xp=xp)
        scale = xp.where(off_axis, xp.sin(theta) / radius, xp.ones_like(u))
        limit = float(self._value_and_slope(np.array(self.largest_angle))[0])
        return xp.stack([u * scale, v * scale, xp.cos(theta)], -1), reach < limit

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        return self.with_params(_focal_stretched(self.params, x, y), width, height)

    @cached_property
    def largest_angle(self) -> float:
        """The angle off the axis, radians, up to which theta_d grows."""
        k1, k2, k3, k4 = self.params[4:]
        roots = np.roots([9.0 * k4, 7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])
        squares = roots.real[(np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots.real))) & (roots.real > 0)]
        return min(math.pi, math.sqrt(squares.min()) if squares.size else math.pi)

    def _value_and_slope(self, theta: Any) -> tuple[Any, Any]:
        k1, k2, k3, k4 = self.params[4:]
        s = theta * theta
        value = theta * (1.0 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
        return value, 1.0 + s * (3.0 * k1 + s * (5.0 * k2 + s * (7.0 * k3 + s * 9.0 * k4)))


class DoubleSphere(CameraModel):
    """Two unit spheres, xi apart, and a pinhole alpha/(1-alpha) behind (Usenko et al. 2018, section II-F)."""

    kind: ClassVar[str] = "double_sphere"
    parameter_names: ClassVar[tuple[str, ...]] = ("fx", "fy", "cx", "cy", "xi", "alpha")

    def __post_init__(self) -> None:
        super().__post_init__()
        xi, alpha = self.params[4:]
        if not (0.0 <= alpha <= 1.0 and -1.0 <= xi <= 1.0):
            raise RigError(f"double_sphere camera: xi = {xi}, alpha = {alpha}; both lie in -1..1 and 0..1")

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        fx, fy, cx, cy, xi, alpha = self.params
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        square = x * x + y * y
        first = xp.sqrt(square + z * z)
        shifted = xi * first + z
        second = xp.sqrt(square + shifted * shifted)
        denominator = alpha * second + (1.0 - alpha) * shifted
        valid = (z > self._lowest_z * first) & (denominator > 1e-12 * first)
        denominator = xp.where(valid, denominator, xp.ones_like(z))
        return xp.stack([fx * x / denominator + cx, fy * y / denominator + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        fx, fy, cx, cy, xi, alpha = self.params
        x, y = (q[..., 0] - cx) / fx, (q[..., 1] - cy) / fy
        square = x * x + y * y
        under = 1.0 - (2.0 * alpha - 1.0) * square
        valid = under >= 0
        root = xp.sqrt(xp.where(valid, under, xp.zeros_like(under)))
        z = (1.0 - alpha * alpha * square) / (alpha * root + 1.0 - alpha)
        under = z * z + (1.0 - xi * xi) * square
        valid = valid & (under >= 0)
        scale = (z * xi + xp.sqrt(xp.where(under > 0, under, xp.zeros_like(under)))) / xp.clip(
            z * z + square, smallest_step(xp, q) ** 2, None
        )
        rays = xp.stack([scale * x, scale * y, scale * z - xi], -1)
        return rays, valid & (rays[..., 2] > self._lowest_z)

    @cached_property
    def _lowest_z(self) -> float:
        """The z of unit rays at which the image folds (equations 43 to 45)."""
        xi, alpha = self.params[4:]
        w1 = alpha / (1.0 - alpha) if alpha <= 0.5 else (1.0 - alpha) / alpha
        return -(w1 + xi) / math.sqrt(max(2.0 * w1 * xi + xi * xi + 1.0, 1e-12))

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        return self.with_params(_focal_stretched(self.params, x, y), width, height)
