"""Splits long edges of a draw mesh, so that straight triangles follow curved shells and curved lenses closely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from player.composite.mesh import DrawMesh
from protocol.projection import Projection

# The children of a triangle by which of its edges 01, 12, 20 are split (bits 0, 1, 2).
# Corners 0, 1, 2; midpoints 3 (of 01), 4 (of 12), 5 (of 20). Winding is kept.
_CHILDREN: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((0, 1, 2),),
    ((0, 3, 2), (3, 1, 2)),
    ((0, 1, 4), (0, 4, 2)),
    ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    ((0, 1, 5), (5, 1, 2)),
    ((0, 3, 5), (3, 1, 2), (3, 2, 5)),
    ((5, 4, 2), (0, 1, 4), (0, 4, 5)),
    ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
)


# A show may declare few but huge triangles; splitting them must not take memory without bound.
_MOST_TRIANGLES = 1 << 22


def refine(
    mesh: DrawMesh, projection: Projection, *, longest: float, most_triangles: int = _MOST_TRIANGLES
) -> DrawMesh:
    """Split until no edge is longer than `longest` layer texels.

    Whether an edge is split depends on nothing but its two ends, so neighbours agree and no crack opens. New vertices
    lie exactly on the shell (`projection`) with the mean disparity, which is what the triangle itself has there.
    Drawing order is kept: children stand where their parent stood. Stops before there are more than `most_triangles`.
    """
    while True:
        long = _long_edges(mesh, longest)
        if not long.any() or len(long) + int(long.sum()) > most_triangles:
            return mesh
        mesh = _split(mesh, projection, long)


def _long_edges(mesh: DrawMesh, longest: float) -> NDArray[np.bool_]:
    """(M, 3) which of the edges 01, 12, 20 are to be split."""
    corners = mesh.grid[mesh.triangles]
    return np.asarray(np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=-1) > longest)


def _split(mesh: DrawMesh, projection: Projection, long: NDArray[np.bool_]) -> DrawMesh:
    t = mesh.triangles.astype(np.int64)
    starts, ends = t, np.roll(t, -1, axis=1)
    count = len(mesh.grid)
    key = np.minimum(starts, ends) * count + np.maximum(starts, ends)
    edges, where = np.unique(key[long], return_inverse=True)
    a, b = np.divmod(edges, count)
    corners = np.zeros((len(t), 6), np.int64)
    corners[:, :3] = t
    middles = np.zeros((len(t), 3), np.int64)
    middles[long] = count + where.reshape(-1)
    corners[:, 3:] = middles
    # Copies of a point in several rects get the same middle again: the mean of the same two numbers.
    pairs = np.stack([mesh.points[a], mesh.points[b]], axis=-1)
    grid = 0.5 * (mesh.grid[a] + mesh.grid[b])
    first = sum(d.shape[1] for d in mesh.disparities) + sum(len(m) for m in mesh.middles)
    return replace(
        mesh,
        grid=np.concatenate([mesh.grid, grid]),
        texels=np.concatenate([mesh.texels, 0.5 * (mesh.texels[a] + mesh.texels[b])]),
        directions=np.concatenate([mesh.directions, projection.directions(grid).astype(np.float32)]),
        points=np.concatenate([mesh.points, np.arange(first, first + len(pairs), dtype=np.int32)]),
        triangles=_children(corners, long),
        middles=(*mesh.middles, pairs),
    )


def _children(corners: NDArray[np.int64], long: NDArray[np.bool_]) -> NDArray[np.uint32]:
    code = long @ np.array([1, 2, 4])
    counts = np.array([len(c) for c in _CHILDREN])[code]
    first = np.cumsum(counts) - counts
    out = np.empty((int(counts.sum()), 3), np.uint32)
    for pattern, children in enumerate(_CHILDREN):
        chosen = np.flatnonzero(code == pattern)
        for i, child in enumerate(children):
            out[first[chosen] + i] = corners[chosen][:, child]
    return out
