"""Scaramuzza's omnidirectional camera (OCamCalib): a polynomial of the radius in the image."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from encoder.rig.array_namespace import namespace, solve_increasing
from encoder.rig.camera_model import CameraModel
from protocol.errors import RigError


class Ocam(CameraModel):
    """A pixel (column, row) is centre + affine * (x, y), and its ray is (x, y, -f(rho)), rho = |(x, y)| in pixels,

    f(rho) = a0 + a1 rho + a2 rho^2 + ... with a0 < 0. OCamCalib counts rows first, so its affine matrix [c d; e 1]
    reads row = c y + d x, column = e y + x here. Projection inverts f exactly (by Newton's method) rather than by
    OCamCalib's second polynomial, which is only a fit of that inverse. `stretch` is the rows' scale over the columns'
    after a resize. Valid to `max_angle` (radians off the axis) and as far as the angle grows with rho.
    """

    kind: ClassVar[str] = "ocam"
    parameter_names: ClassVar[tuple[str, ...]] = ("cx", "cy", "c", "d", "e", "stretch", "max_angle", "a0", "a1", "a2")
    open_ended: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _, _, c, d, e, stretch, max_angle, a0 = self.params[:8]
        if c - d * e <= 0 or stretch <= 0:
            raise RigError(f"ocam camera: the affine matrix c={c} d={d} e={e} mirrors or flattens the image")
        if a0 >= 0:
            raise RigError(f"ocam camera: the polynomial starts with {a0}; OCamCalib's a0 is negative")
        if not 0 < max_angle <= math.pi:
            raise RigError(f"ocam camera: max_angle {max_angle} rad is not within half a turn")

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        cx, cy, c, d, e, stretch = self.params[:6]
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        off_axis = x * x + y * y > 1e-24 * z * z
        radius = xp.sqrt(xp.where(off_axis, x * x + y * y, xp.ones_like(z)))
        theta = xp.where(off_axis, xp.arctan2(radius, z), xp.where(z > 0, 0.0 * z, 0.0 * z + math.pi))
        valid = theta < self.largest_angle
        rho = solve_increasing(self._angle_and_slope, theta, self._largest_rho, xp=xp)
        scale = xp.where(off_axis, rho / radius, -self.params[7] / xp.where((z > 0) & ~off_axis, z, xp.ones_like(z)))
        x, y = x * scale, y * scale
        return xp.stack([e * y + x + cx, stretch * (c * y + d * x) + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        cx, cy, c, d, e, stretch = self.params[:6]
        column, row = q[..., 0] - cx, (q[..., 1] - cy) / stretch
        y = (row - d * column) / (c - d * e)
        x = column - e * y
        rho = xp.sqrt(x * x + y * y)
        valid = rho < self._largest_rho
        rho = xp.clip(rho, None, self._largest_rho)
        z = -self._polynomial(rho)[0]
        length = xp.sqrt(x * x + y * y + z * z)
        return xp.stack([x / length, y / length, z / length], -1), valid

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        cx, cy, c, d, e, stretch, max_angle = self.params[:7]
        # f and rho are in pixels of the columns: a_k rho^k scales by x, so a_k by x^(1 - k).
        coefficients = (a * x ** (1 - k) for k, a in enumerate(self.params[7:]))
        return self.with_params((cx * x, cy * y, c, d, e, stretch * y / x, max_angle, *coefficients), width, height)

    @cached_property
    def largest_angle(self) -> float:
        """The angle off the axis, radians, up to which the image is one-to-one."""
        return float(self._angle_and_slope(np.array(self._largest_rho))[0])

    @cached_property
    def _largest_rho(self) -> float:
        # Far beyond any image corner; the polynomial means nothing there.
        rho = np.linspace(0.0, 4.0 * math.hypot(self.width, self.height), 8192)
        angle, slope = self._angle_and_slope(rho)
        max_angle = self.params[6]
        wrong = np.flatnonzero((slope <= 0) | (angle >= max_angle))
        if not wrong.size:
            return float(rho[-1])
        low, high = rho[max(wrong[0] - 1, 0)], rho[wrong[0]]
        for _ in range(60):
            middle = 0.5 * (low + high)
            angle, slope = self._angle_and_slope(np.array(middle))
            low, high = (low, middle) if slope <= 0 or angle >= max_angle else (middle, high)
        return float(low)

    def _polynomial(self, rho: Any) -> tuple[Any, Any]:
        """f and its derivative (Horner)."""
        value, slope = 0.0 * rho, 0.0 * rho
        for a in reversed(self.params[7:]):
            slope = slope * rho + value
            value = value * rho + a
        return value, slope

    def _angle_and_slope(self, rho: Any) -> tuple[Any, Any]:
        """The angle off the axis that is imaged at rho, and its derivative."""
        xp, rho = namespace(rho)
        f, slope = self._polynomial(rho)
        return xp.arctan2(rho, -f), (rho * slope - f) / (rho * rho + f * f)
