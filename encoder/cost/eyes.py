"""From where, and which way, the cost of a show is looked at. SPEC 4.5."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocol.projection import Projection

HALF_FIELD = math.radians(50.0)  # of a headset's eye, across and up


@dataclass(frozen=True, eq=False)
class Eyes:
    """N square pinhole views of 100 degrees.

    Attributes:
        R_eye_show: (N, 3, 3); t_eye_show: (N, 3). A vertex is R direction + disparity t, OpenCV axes.
    """

    R_eye_show: NDArray[np.float64]
    t_eye_show: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.t_eye_show)


def eyes_of(projection: Projection, *, comfort_min: ArrayLike, comfort_max: ArrayLike) -> Eyes:
    """All places and directions of SPEC 4.5, place by place: the middle first, then the corners."""
    low, high = np.asarray(comfort_min, np.float64), np.asarray(comfort_max, np.float64)
    corners = itertools.product(*zip(low, high, strict=True))
    rotations = np.stack([_looking(*direction) for direction in _directions(projection)])
    places = np.stack([0.5 * (low + high), *(np.array(corner) for corner in corners)])
    turned, placed = np.tile(rotations, (len(places), 1, 1)), np.repeat(places, len(rotations), axis=0)
    return Eyes(turned, -(turned @ placed[:, :, None])[:, :, 0])


def _directions(projection: Projection) -> list[tuple[float, float]]:
    """Longitudes and latitudes, radians: the grid's middle, and as far to its sides as the view stays on the grid."""
    p = projection
    borders = np.array([[p.left, p.left + p.width / p.density], [p.top - p.height / p.density, p.top]])
    if p.kind == "plane":
        borders = np.arctan(borders)
    a, b = borders.mean(axis=1)
    u, v = np.maximum(0.0, 0.5 * (borders[:, 1] - borders[:, 0]) - HALF_FIELD)
    return [(a, b), (a - u, b), (a + u, b), (a, b - v), (a, b + v)]


def _looking(longitude: float, latitude: float) -> NDArray[np.float64]:
    """(3, 3) rows: right, down, forward of a view without roll."""
    sa, ca, sb, cb = math.sin(longitude), math.cos(longitude), math.sin(latitude), math.cos(latitude)
    return np.array([[ca, 0.0, sa], [sa * sb, -cb, -ca * sb], [sa * cb, sb, -ca * cb]])
