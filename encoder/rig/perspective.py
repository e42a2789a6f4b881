"""Lenses of a plane behind a hole: pinhole, and OpenCV's radial and tangential distortion."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from encoder.rig.array_namespace import namespace, smallest_step, solve_increasing
from encoder.rig.camera_model import CameraModel

# Beyond this angle off the axis no lens of this family is calibrated.
_WIDEST_TANGENT = math.tan(math.radians(89.5))
# A pinhole has no such end; only numbers do.
_SMALLEST_COTANGENT = 1e-9


def _focal_stretched(params: tuple[float, ...], x: float, y: float) -> tuple[float, ...]:
    """fx, fy, cx, cy lead `params`; what follows has no unit of length."""
    return (params[0] * x, params[1] * y, params[2] * x, params[3] * y, *params[4:])


class Pinhole(CameraModel):
    """x = fx X/Z + cx, y = fy Y/Z + cy."""

    kind: ClassVar[str] = "pinhole"
    parameter_names: ClassVar[tuple[str, ...]] = ("fx", "fy", "cx", "cy")

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        fx, fy, cx, cy = self.params
        z = p[..., 2]
        valid = z > _SMALLEST_COTANGENT * (xp.abs(p[..., 0]) + xp.abs(p[..., 1]))
        depth = xp.where(valid, z, xp.ones_like(z))
        return xp.stack([fx * p[..., 0] / depth + cx, fy * p[..., 1] / depth + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        fx, fy, cx, cy = self.params
        x, y = (q[..., 0] - cx) / fx, (q[..., 1] - cy) / fy
        length = xp.sqrt(1.0 + x * x + y * y)
        return xp.stack([x / length, y / length, 1.0 / length], -1), xp.isfinite(length)

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        return self.with_params(_focal_stretched(self.params, x, y), width, height)


class Radtan(CameraModel):
    """OpenCV's model (Brown-Conrady, rational): with r the tangent of the angle off the axis,

    radial = (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6); p1, p2 tangential. Valid up to the
    smallest radius at which the distortion stops growing outwards: farther points would fold back into the image.
    """

    kind: ClassVar[str] = "radtan"
    parameter_names: ClassVar[tuple[str, ...]] = (
        *("fx", "fy", "cx", "cy"),
        *("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    )

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        fx, fy, cx, cy = self.params[:4]
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        valid = (z > 0) & (x * x + y * y < (self.largest_radius * z) ** 2)
        depth = xp.where(valid, z, xp.ones_like(z))
        x, y = x / depth, y / depth
        x, y = xp.where(valid, x, xp.zeros_like(x)), xp.where(valid, y, xp.zeros_like(y))
        x, y, _ = self._distort(x, y)
        return xp.stack([fx * x + cx, fy * y + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        fx, fy, cx, cy = self.params[:4]
        u, v = (q[..., 0] - cx) / fx, (q[..., 1] - cy) / fy
        # The radial part alone is solved safely in one dimension; Newton in two adds the tangential part.
        distorted = xp.sqrt(u * u + v * v)
        radius = solve_increasing(self._radial_value_and_slope, distorted, self.largest_radius, xp=xp)
        ratio = xp.where(distorted > 0, radius / xp.where(distorted > 0, distorted, xp.ones_like(u)), xp.ones_like(u))
        x, y = u * ratio, v * ratio
        for _ in range(10):
            du, dv, (xx, xy, yx, yy) = self._distort(x, y)
            du, dv = du - u, dv - v
            determinant = xx * yy - xy * yx
            determinant = xp.where(determinant > 1e-9, determinant, xp.ones_like(determinant))
            x, y = x - (yy * du - xy * dv) / determinant, y - (xx * dv - yx * du) / determinant
            bound = xp.clip(self.largest_radius / xp.sqrt(x * x + y * y + 1e-30), None, 1.0)
            x, y = x * bound, y * bound
        du, dv, _ = self._distort(x, y)
        square = x * x + y * y
        accuracy = max(1e-9, 64.0 * smallest_step(xp, q)) * (1.0 + distorted)
        valid = (xp.abs(du - u) + xp.abs(dv - v) < accuracy) & (square < self.largest_radius**2)
        length = xp.sqrt(1.0 + square)
        return xp.stack([x / length, y / length, 1.0 / length], -1), valid

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        return self.with_params(_focal_stretched(self.params, x, y), width, height)

    @cached_property
    def largest_radius(self) -> float:
        """The tangent of the angle off the axis up to which the distortion is one-to-one, in every direction."""
        radii = np.tan(np.linspace(0.0, math.radians(89.5), 1800))[:, None]
        angles = np.linspace(0.0, 2.0 * math.pi, 36, endpoint=False)
        with np.errstate(all="ignore"):
            _, _, (xx, xy, yx, yy) = self._distort(radii * np.cos(angles), radii * np.sin(angles))
            _, slope = self._radial_value_and_slope(radii)
            numerator, denominator = self._ratio(radii * radii)[:2]
            good = (xx * yy - xy * yx > 0) & (xx + yy > 0) & (slope > 0) & (numerator > 0) & (denominator > 0)
        bad = np.flatnonzero(~good.all(axis=1))
        return float(radii[max(bad[0] - 1, 1), 0]) if bad.size else _WIDEST_TANGENT

    def _ratio(self, square: Any) -> tuple[Any, Any, Any, Any]:
        """Numerator and denominator of the radial factor at r^2, and their derivatives by r^2."""
        k1, k2, _, _, k3, k4, k5, k6 = self.params[4:]
        return (
            1.0 + square * (k1 + square * (k2 + square * k3)),
            1.0 + square * (k4 + square * (k5 + square * k6)),
            k1 + square * (2.0 * k2 + square * 3.0 * k3),
            k4 + square * (2.0 * k5 + square * 3.0 * k6),
        )

    def _radial_value_and_slope(self, radius: Any) -> tuple[Any, Any]:
        square = radius * radius
        top, bottom, top_slope, bottom_slope = self._ratio(square)
        factor = top / bottom
        return radius * factor, factor + 2.0 * square * (top_slope - factor * bottom_slope) / bottom

    def _distort(self, x: Any, y: Any) -> tuple[Any, Any, tuple[Any, Any, Any, Any]]:
        """Tangents -> distorted tangents and the derivatives (du/dx, du/dy, dv/dx, dv/dy)."""
        p1, p2 = self.params[6], self.params[7]
        square = x * x + y * y
        top, bottom, top_slope, bottom_slope = self._ratio(square)
        factor = top / bottom
        slope = 2.0 * (top_slope - factor * bottom_slope) / bottom
        u = x * factor + 2.0 * p1 * x * y + p2 * (square + 2.0 * x * x)
        v = y * factor + p1 * (square + 2.0 * y * y) + 2.0 * p2 * x * y
        cross = x * y * slope + 2.0 * p1 * x + 2.0 * p2 * y
        xx = factor + x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x
        yy = factor + y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x
        return u, v, (xx, cross, cross, yy)
