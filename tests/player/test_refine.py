"""Splitting long edges changes how finely a mesh is cut, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from player.composite.mesh import DrawMesh, draw_mesh, vertex_disparities
from player.composite.place import place
from player.composite.refine import refine
from protocol.mesh_codec import Geometry, LayerMesh, Rect
from protocol.projection import Projection
from tests.player.scenes import PLANE, Equidistant, grid_layer


def random_layer(seed: int, count: int) -> LayerMesh:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 48, (count, 2)).astype(np.uint16)
    return LayerMesh(
        points=points,
        disparities=rng.random((3, count), np.float32),
        rects=(Rect(0, 0, 48, 48, 7, 9), Rect(0, 0, 48, 48, 100, 9)),
        triangles=rng.integers(0, count, (2 * count, 3)).astype(np.uint32),
        triangle_rect=rng.integers(0, 2, 2 * count).astype(np.uint16),
    )


def doubled_areas(grid: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (grid[triangles[:, i]].astype(np.float64) for i in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


@given(st.integers(0, 1000), st.integers(3, 12), st.sampled_from([4.0, 9.0, 30.0]))
def test_refined_triangles_cover_their_parents(seed: int, count: int, longest: float) -> None:
    coarse = draw_mesh(Geometry((random_layer(seed, count),)), PLANE)
    fine = refine(coarse, PLANE, longest=longest)
    corners = fine.grid[fine.triangles]
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(initial=0) <= longest
    before, after = doubled_areas(coarse.grid, coarse.triangles), doubled_areas(fine.grid, fine.triangles)
    assert np.isclose(np.abs(after).sum(), np.abs(before).sum(), rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(
        fine.texels - fine.grid, np.where(fine.texels[:, :1] >= 100, (100, 9), (7, 9)), atol=1e-4
    )
    assert vertex_disparities(fine, 2).shape == (len(fine.grid),)
    # Copies of one place with the same disparities stay together.
    assert fine.points.max() < sum(d.shape[1] for d in fine.disparities) + sum(map(len, fine.middles))


def test_refining_keeps_disparities_linear_and_the_drawing_order() -> None:
    near, far = (grid_layer(0, 0, 32, 32, step=32, atlas=(0, 0), disparity=d) for d in (1.0, 0.0))
    near.disparities[0] = near.points[:, 0] / 32.0
    fine = refine(draw_mesh(Geometry((far, near)), PLANE), PLANE, longest=5)
    half = len(fine.triangles) // 2
    disparity = vertex_disparities(fine, 0)
    assert np.all(disparity[fine.triangles[:half]] == 0)
    np.testing.assert_allclose(disparity[fine.triangles[half:]], fine.grid[fine.triangles[half:], 0] / 32)


def test_no_crack_opens_between_coarse_and_fine_neighbours() -> None:
    """Every inner edge still has two triangles, so no vertex lies in the middle of a neighbour's edge."""
    layer = grid_layer(0, 0, 32, 32, step=16, atlas=(0, 0), disparity=1.0)
    layer.points[layer.points == 16] = 5
    fine = refine(draw_mesh(Geometry((layer,)), PLANE), PLANE, longest=9)
    edges: dict[tuple[int, int], int] = {}
    for triangle in fine.triangles.tolist():
        for i in range(3):
            key = tuple(sorted((triangle[i], triangle[i - 1])))
            edges[key] = edges.get(key, 0) + 1
    for (a, b), count in edges.items():
        border = any(fine.grid[a][k] == fine.grid[b][k] and fine.grid[a][k] in (0, 32) for k in (0, 1))
        assert count == (1 if border else 2)


def test_huge_triangles_stop_at_the_bound() -> None:
    layer = grid_layer(0, 0, 60000, 60000, step=60000, atlas=(0, 0), disparity=1.0)
    projection = Projection("plane", 60000, 60000, left=-1, top=1, density=30000)
    assert (
        len(refine(draw_mesh(Geometry((layer,)), projection), projection, longest=4, most_triangles=5000).triangles)
        <= 5000
    )


def all_around() -> tuple[DrawMesh, np.ndarray]:
    projection = Projection("sphere", 360, 160, left=-np.pi, top=np.radians(80), density=360 / (2 * np.pi), wraps=True)
    mesh = draw_mesh(Geometry((grid_layer(0, 0, 360, 160, step=10, atlas=(0, 0), disparity=0.5),)), projection)
    return mesh, vertex_disparities(mesh, 0)


def test_triangles_torn_by_the_wrap_behind_a_fisheye_are_left_out() -> None:
    mesh, disparity = all_around()
    lens = Equidistant(700, 700, focal=110.0, reach=3.2)
    clip, kept = place(mesh, disparity, lens)
    pixels = (clip[:, :2] / clip[:, 3:] + 1) * 350
    corners = pixels[kept]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    assert 0.95 * len(mesh.triangles) < len(kept) < len(mesh.triangles)
    assert edges.max() < 0.6 * 350


def test_triangles_with_an_unseen_corner_are_left_out() -> None:
    mesh, disparity = all_around()
    _, kept = place(mesh, disparity, Equidistant(700, 700, focal=110.0, reach=1.0))
    angles = np.arccos(np.clip(-mesh.directions[kept][..., 2], -1, 1))
    assert len(kept) and angles.max() < 1.0
