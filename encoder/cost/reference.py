"""The coverage of a view in plain numpy, triangle by triangle: what the kernel is checked against."""

from __future__ import annotations

import numpy as np

from encoder.cost.coverage import SLOPE
from encoder.cost.eyes import Eyes
from protocol.geometry import Array

_SIDES = np.array([(1.0, 0.0, SLOPE), (-1.0, 0.0, SLOPE), (0.0, 1.0, SLOPE), (0.0, -1.0, SLOPE)])


def coverage(directions: Array, disparities: Array, triangles: Array, eyes: Eyes) -> Array:
    """(N,) screens; arguments as in `encoder.cost.coverage`."""
    out = np.zeros(len(eyes))
    for n in range(len(eyes)):
        points = directions.astype(np.float64) @ eyes.R_eye_show[n].T + disparities[:, None] * eyes.t_eye_show[n]
        for triangle in triangles:
            polygon = points[triangle]
            for normal in _SIDES:
                polygon = _cut(polygon, normal)
            if len(polygon):
                out[n] += _area(polygon[:, :2] / polygon[:, 2:]) / (2 * SLOPE) ** 2
    return out


def _cut(polygon: Array, normal: Array) -> Array:
    """The part of a convex polygon (K, 3) on whose side the normal points."""
    kept: list[Array] = []
    for here, there in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        a, b = here @ normal, there @ normal
        if a >= 0:
            kept.append(here)
        if a * b < 0:
            kept.append(here + a / (a - b) * (there - here))
    return np.array(kept).reshape(-1, 3)


def _area(corners: Array) -> float:
    """Of a flat polygon (K, 2), by the shoelace formula."""
    x, y = (corners - corners[0]).T
    return abs(0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
