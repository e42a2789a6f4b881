"""Layer meshes made ready to draw: one vertex per (point, rect), all layers in one index buffer from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.mesh_codec import Geometry, LayerMesh
from protocol.projection import Projection


@dataclass(frozen=True)
class DrawMesh:
    """The geometry of one GOP for drawing; everything but the disparities is constant within it.

    Attributes:
        grid: (V, 2) float32, layer texels of the vertices.
        texels: (V, 2) float32, where they lie in the colour region at texture scale 1.
        directions: (V, 3) float32, world; a vertex is at direction / disparity.
        points: (V,) int32, which point a vertex is a copy of: the layers' points in their order, then the middles'.
        triangles: (M, 3) uint32, in drawing order: far to near.
        disparities: of each layer (T, P) float32, 1/metre, one row per frame.
        middles: pairs (K, 2) int32 of points whose means are further points, one array after the other.
    """

    grid: NDArray[np.float32]
    texels: NDArray[np.float32]
    directions: NDArray[np.float32]
    points: NDArray[np.int32]
    triangles: NDArray[np.uint32]
    disparities: tuple[NDArray[np.float32], ...]
    middles: tuple[NDArray[np.int32], ...] = ()

    @property
    def frame_count(self) -> int:
        """Frames of the GOP."""
        return min((len(d) for d in self.disparities), default=1)


def vertex_disparities(mesh: DrawMesh, frame: int) -> NDArray[np.float32]:
    """(V,) float32 disparities of the vertices at a frame, 1/metre."""
    points = np.concatenate([np.zeros(0, np.float32), *(d[frame] for d in mesh.disparities)], dtype=np.float32)
    for pairs in mesh.middles:
        points = np.concatenate([points, np.float32(0.5) * (points[pairs[:, 0]] + points[pairs[:, 1]])])
    return points[mesh.points]


def draw_mesh(geometry: Geometry, projection: Projection) -> DrawMesh:
    """Expand the layers' shared points into vertices with one texture coordinate each.

    A point on the border of two rects has a texel in both of them, so it becomes two vertices at the same place.
    """
    grids, texels, points, triangles, disparities = [], [], [], [], []
    vertex_count = point_count = 0
    for layer in geometry.layers:
        vertex_rect, vertex_point, corners = _vertices(layer)
        rects = np.array([(r.x, r.y, r.atlas_x, r.atlas_y) for r in layer.rects], np.float32).reshape(-1, 4)
        grid = layer.points[vertex_point].astype(np.float32)
        grids.append(grid)
        texels.append(grid - rects[vertex_rect, :2] + rects[vertex_rect, 2:])
        points.append(vertex_point + point_count)
        triangles.append(corners + vertex_count)
        disparities.append(layer.disparities)
        vertex_count += len(vertex_point)
        point_count += len(layer.points)
    grid = np.concatenate(grids) if grids else np.zeros((0, 2), np.float32)
    return DrawMesh(
        grid=grid,
        texels=np.concatenate(texels) if texels else np.zeros((0, 2), np.float32),
        directions=projection.directions(grid).astype(np.float32),
        points=np.concatenate(points).astype(np.int32) if points else np.zeros(0, np.int32),
        triangles=np.concatenate(triangles).astype(np.uint32) if triangles else np.zeros((0, 3), np.uint32),
        disparities=tuple(disparities),
    )


def _vertices(layer: LayerMesh) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The (point, rect) pairs that the triangles use: rects (V,), points (V,), and triangles (M, 3) of them."""
    count = len(layer.points)
    key = layer.triangle_rect.astype(np.int64)[:, None] * max(count, 1) + layer.triangles.astype(np.int64)
    pairs, corners = np.unique(key, return_inverse=True)
    rect, point = np.divmod(pairs, max(count, 1))
    return rect, point, corners.reshape(-1, 3)
