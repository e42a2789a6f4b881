"""How much of a view the triangles of a mesh cover: each is clipped to the view's pyramid and its area summed.

Clipping is done in homogeneous coordinates, so that vertices at infinity (disparity 0), behind the eye and in its plane
need no care: what lies within the pyramid |x| <= s z, |y| <= s z lies in front of the eye. Sums run in the order of the
triangles, so that the same mesh gives the same bits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from encoder.cost.eyes import HALF_FIELD, Eyes

SLOPE = math.tan(HALF_FIELD)
_SIDES = 4
_MOST_CORNERS = 3 + _SIDES


def coverage(
    directions: NDArray[np.float32], disparities: NDArray[np.float32], triangles: NDArray[np.uint32], eyes: Eyes
) -> NDArray[np.float64]:
    """Screens that the triangles cover, for each eye; where they lie over each other, each counts.

    Args:
        directions: (V, 3) of the vertices, show frame; disparities: (V,) 1/metre.
        triangles: (M, 3).

    Returns:
        (N,) float64.
    """
    out = np.zeros(len(eyes))
    _coverage(directions, disparities, triangles, eyes.R_eye_show, eyes.t_eye_show, SLOPE, out)
    return out


@njit(cache=True, nogil=True)
def _coverage(directions, disparities, triangles, R, t, slope, out):  # type: ignore[no-untyped-def]
    points = np.empty((directions.shape[0], 3), np.float64)
    outside = np.empty(directions.shape[0], np.uint8)
    corners, clipped = np.empty((_MOST_CORNERS, 3)), np.empty((_MOST_CORNERS, 3))
    for n in range(out.shape[0]):
        for i in range(directions.shape[0]):
            for row in range(3):
                value = disparities[i] * t[n, row]
                for column in range(3):
                    value += R[n, row, column] * directions[i, column]
                # x and y are scaled so that the pyramid's sides have slope 1.
                points[i, row] = value if row < 2 else value * slope
            code = 0
            for side in range(_SIDES):
                code |= (_within(points[i], side) < 0) << side
            outside[i] = code
        total = 0.0
        for m in range(triangles.shape[0]):
            a, b, c = triangles[m, 0], triangles[m, 1], triangles[m, 2]
            if outside[a] & outside[b] & outside[c]:
                continue
            for k in range(3):
                corners[0, k], corners[1, k], corners[2, k] = points[a, k], points[b, k], points[c, k]
            count = 3
            if outside[a] | outside[b] | outside[c]:
                for side in range(_SIDES):
                    count = _cut(corners, count, side, clipped)
                    corners, clipped = clipped, corners
            total += abs(_area(corners, count))
        out[n] = total / 4.0


@njit(cache=True, nogil=True)
def _within(point, side):  # type: ignore[no-untyped-def]
    """How far a point lies on the inner side of a side of the pyramid: left, right, top, bottom."""
    value = point[side // 2]
    return point[2] + value if side % 2 == 0 else point[2] - value


@njit(cache=True, nogil=True)
def _cut(corners, count, side, out):  # type: ignore[no-untyped-def]
    """What of a convex polygon lies on the inner side (Sutherland and Hodgman 1974); -> its corners."""
    kept = 0
    for i in range(count):
        here, there = corners[i], corners[(i + 1) % count]
        a, b = _within(here, side), _within(there, side)
        if a >= 0:
            for k in range(3):
                out[kept, k] = here[k]
            kept += 1
        if (a < 0 and b > 0) or (a > 0 and b < 0):
            for k in range(3):
                out[kept, k] = (b * here[k] - a * there[k]) / (b - a)
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _area(corners, count):  # type: ignore[no-untyped-def]
    """Signed area of the polygon's picture, the view being 2 by 2."""
    total = 0.0
    for i in range(count):
        here, there = corners[i], corners[(i + 1) % count]
        # A corner in the eye itself has no picture; the sides there have no length.
        if here[2] > 0 and there[2] > 0:
            total += (here[0] * there[1] - there[0] * here[1]) / (here[2] * there[2])
    return 0.5 * total
