"""Clip positions computed on the CPU, for cameras that no projection matrix describes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from player.composite.mesh import DrawMesh
from player.composite.view import Array, Camera
from protocol.geometry import inverse

# Edges shorter than this share of the picture's diagonal are never taken for a wrap.
_LONG_EDGE = 1.0 / 16.0
# The middle of a longer edge may fall beside the middle of its ends by this share of its length.
_BEND = 1.0 / 8.0


def place(
    mesh: DrawMesh, disparity: NDArray[np.float32], camera: Camera
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Where the vertices of one frame fall in a camera's picture.

    Args:
        disparity: (V,) float32, of the vertices, 1/metre.

    Returns:
        (V, 4) float32 clip positions, image row 0 at y = -1, with w the distance times the disparity, so that textures
        are interpolated along the ray; and the (K, 3) triangles to draw, in their order. Left out are triangles with a
        vertex that the camera cannot see, and those that the projection tears: whose edges' middles fall far from the
        middles of their ends, as where a fisheye picture wraps around behind the camera.
    """
    T_camera_world = inverse(camera.T_world_camera)
    points = mesh.directions @ T_camera_world[:3, :3].T + disparity[:, None] * T_camera_world[:3, 3]
    w = np.linalg.norm(points, axis=-1)
    pixels, seen = camera.project(points)
    valid = seen & (w > 1e-9) & np.isfinite(pixels).all(axis=-1)
    pixels = np.where(valid[:, None], pixels, 0.0)
    kept = mesh.triangles[valid[mesh.triangles].all(axis=-1)]
    kept = kept[_whole(points, w, pixels, kept, camera)]
    clip = np.empty((len(points), 4), np.float32)
    clip[:, :2] = (pixels * (2.0 / camera.width, 2.0 / camera.height) - 1.0) * w[:, None]
    clip[:, 2] = 0.0
    clip[:, 3] = w
    return clip, kept


def _whole(points: Array, w: Array, pixels: Array, triangles: NDArray[np.uint32], camera: Camera) -> NDArray[np.bool_]:
    """(K,) which triangles the projection leaves in one piece."""
    whole = np.ones(len(triangles), bool)
    limit = _LONG_EDGE * math.hypot(camera.width, camera.height)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        a, b = triangles[:, i], triangles[:, j]
        length = np.linalg.norm(pixels[a] - pixels[b], axis=-1)
        long = np.flatnonzero(length > limit)
        a, b, length = a[long], b[long], length[long]
        if len(long) == 0:
            continue
        middle, seen = camera.project(points[a] / w[a, None] + points[b] / w[b, None])
        with np.errstate(invalid="ignore"):
            off = np.linalg.norm(middle - 0.5 * (pixels[a] + pixels[b]), axis=-1)
        whole[long] &= seen & (off < _BEND * length)
    return whole
