"""Scaramuzza's omnidirectional camera (OCamCalib): the radius in the image is a polynomial of the ray's angle."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from encoder.rig.array_namespace import namespace, solve_increasing
from encoder.rig.camera_model import CameraModel
from protocol.errors import RigError

# The polynomial is a fit and misses 0 on the axis by a fraction of a pixel; that is smoothed out within this angle.
_AXIS_ANGLE = 0.2


class Ocam(CameraModel):
    """rho = b0 + b1 t + b2 t^2 + ... pixels along (X, Y), with t = theta - pi/2 and theta the angle off the axis.

    OCamCalib has two polynomials, this one (its inverse, "pol") to project and another ("ss") to unproject, each a fit,
    which differ by up to 3 pixels. This one is used both ways, because rigs are adjusted by projection: on omnimvs_itbt
    it lowers the epipolar errors from 1.2, 1.8, 3.3 to 1.2, 1.2, 2.8 pixels. OCamCalib counts rows first, so its
    affine matrix [c d; e 1] reads row = c y + d x, column = e y + x here. `stretch` is the rows' scale over that of
    the columns after a resize. Valid to `max_angle` (radians off the axis) and as far as rho grows.
    """

    kind: ClassVar[str] = "ocam"
    parameter_names: ClassVar[tuple[str, ...]] = ("cx", "cy", "c", "d", "e", "stretch", "max_angle", "b0", "b1")
    open_ended: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _, _, c, d, e, stretch, max_angle = self.params[:7]
        if c - d * e <= 0 or stretch <= 0:
            raise RigError(f"ocam camera: the affine matrix c={c} d={d} e={e} mirrors or flattens the image")
        if not 0 < max_angle <= math.pi:
            raise RigError(f"ocam camera: max_angle {max_angle} rad is not within half a turn")
        rho = np.polynomial.Polynomial(self.params[7:])
        if rho.deriv()(-0.5 * math.pi) <= 0 or abs(rho(-0.5 * math.pi)) > 0.05 * abs(self.params[7]):
            raise RigError("ocam camera: the polynomial does not rise from 0 on the axis; give OCamCalib's inverse one")

    def project(self, points: Any) -> tuple[Any, Any]:
        xp, p = namespace(points)
        cx, cy, c, d, e, stretch = self.params[:6]
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        off_axis = x * x + y * y > 1e-24 * z * z
        radius = xp.sqrt(xp.where(off_axis, x * x + y * y, xp.ones_like(z)))
        theta = xp.where(off_axis, xp.arctan2(radius, z), xp.where(z > 0, 0.0 * z, 0.0 * z + math.pi))
        valid = theta < self.largest_angle
        rho, slope = self._value_and_slope(theta)
        on_axis_depth = xp.where((z > 0) & ~off_axis, z, xp.ones_like(z))
        scale = xp.where(off_axis, rho / radius, slope / on_axis_depth)
        x, y = x * scale, y * scale
        return xp.stack([e * y + x + cx, stretch * (c * y + d * x) + cy], -1), valid

    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        xp, q = namespace(pixels)
        cx, cy, c, d, e, stretch = self.params[:6]
        column, row = q[..., 0] - cx, (q[..., 1] - cy) / stretch
        y = (row - d * column) / (c - d * e)
        x = column - e * y
        off_axis = x * x + y * y > 1e-20
        radius = xp.sqrt(xp.where(off_axis, x * x + y * y, xp.ones_like(x)))
        rho = xp.where(off_axis, radius, xp.zeros_like(x))
        theta = solve_increasing(self._value_and_slope, rho, self.largest_angle, xp=xp)
        scale = xp.where(off_axis, xp.sin(theta) / radius, xp.zeros_like(x))
        limit = float(self._value_and_slope(np.array(self.largest_angle))[0])
        return xp.stack([x * scale, y * scale, xp.cos(theta)], -1), rho < limit

    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        cx, cy, c, d, e, stretch, max_angle = self.params[:7]
        coefficients = (b * x for b in self.params[7:])
        return self.with_params((cx * x, cy * y, c, d, e, stretch * y / x, max_angle, *coefficients), width, height)

    @cached_property
    def largest_angle(self) -> float:
        """The angle off the axis, radians, up to which the image is one-to-one."""
        theta = np.linspace(0.0, self.params[6], 8192)
        falling = np.flatnonzero(self._value_and_slope(theta)[1] <= 0)
        return float(theta[max(falling[0] - 1, 0)]) if falling.size else self.params[6]

    @cached_property
    def _miss(self) -> float:
        """What the polynomial gives on the axis instead of 0, pixels."""
        return float(np.polynomial.Polynomial(self.params[7:])(-0.5 * math.pi))

    def _value_and_slope(self, theta: Any) -> tuple[Any, Any]:
        """rho and its derivative by theta (Horner)."""
        xp, theta = namespace(theta)
        t = theta - 0.5 * math.pi
        value, slope = 0.0 * t, 0.0 * t
        for b in reversed(self.params[7:]):
            slope = slope * t + value
            value = value * t + b
        fade = xp.clip(1.0 - theta / _AXIS_ANGLE, 0.0, None)
        return value - self._miss * fade * fade, slope + 2.0 * self._miss / _AXIS_ANGLE * fade
