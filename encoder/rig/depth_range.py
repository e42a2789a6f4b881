"""Near and far of a scene from its sparse points."""

from __future__ import annotations

from typing import Literal

import numpy as np

from encoder.rig.rig import Rig
from protocol.geometry import Array

# Structure from motion leaves a few gross outliers in every model; open3d's filter wants some company for each point.
_NEIGHBOURS = 16
_SPREAD = 2.5
_FEWEST = 32
_PERCENTILES = (0.5, 99.5)
_NEAR_MARGIN = 0.9
_FAR_MARGIN = 1.25


def near_far_from_points(points_show: Array, kind: Literal["sphere", "plane"]) -> tuple[float, float] | None:
    """Nearest and farthest surface worth a shell, with margins; None where the points are too few to tell.

    Args:
        points_show: (P, 3) sparse points in the show's frame.
        kind: spheres count distances from the origin, planes depths along -z.
    """
    points = points_show[np.isfinite(points_show).all(axis=1)]
    if kind == "plane":
        points = points[points[:, 2] < 0]
    if len(points) < _FEWEST:
        return None
    points = _without_outliers(points)
    distances = -points[:, 2] if kind == "plane" else np.linalg.norm(points, axis=1)
    near, far = np.percentile(distances, _PERCENTILES)
    return (float(near * _NEAR_MARGIN), float(far * _FAR_MARGIN)) if near > 0 else None


def near_far(rig_show: Rig, kind: Literal["sphere", "plane"]) -> tuple[float, float] | None:
    """Near and far that the rig itself tells, by its points or else its stated bounds; None where it has neither.

    `rig_show` is the rig in the show's frame.
    """
    if rig_show.points is not None:
        found = near_far_from_points(rig_show.points, kind)
        if found is not None:
            return found
    return rig_show.depth_bounds


def _without_outliers(points: Array) -> Array:
    import open3d  # Slow to import, and only rigs with points need it.

    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    _, kept = cloud.remove_statistical_outlier(nb_neighbors=_NEIGHBOURS, std_ratio=_SPREAD)
    return points[np.asarray(kept, np.int64)] if len(kept) >= _FEWEST else points
