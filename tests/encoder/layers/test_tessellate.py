"""Laws of a layer's mesh: crack-free, complete, accurate, constant where nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoder.layers.tessellate import Tessellation, TessellationConfig, disparity_tolerance, tessellate
from protocol.projection import Projection
from tests.encoder.layers.layer_scenes import blobs, grid

TOLERANCE = 0.5 / (0.3 * 573.0)


def doubled_areas(mesh: Tessellation) -> NDArray[np.int64]:
    a, b, c = (mesh.points[mesh.triangles[:, k]].astype(np.int64) for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def coverage(mesh: Tessellation, projection: Projection) -> NDArray[np.int64]:
    """How many triangles hold each texel's centre; centres lie on diagonals, so they are nudged off."""
    count = np.zeros((projection.height, projection.width), np.int64)
    for triangle in mesh.points[mesh.triangles].astype(np.float64):
        x0, y0 = triangle.min(axis=0).astype(int)
        x1, y1 = triangle.max(axis=0).astype(int)
        y, x = np.mgrid[y0:y1, x0:x1] + np.array([0.5 + 0.0137, 0.5 + 0.0071])[:, None, None]
        inside = np.ones(x.shape, bool)
        for (ax, ay), (bx, by) in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
            inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0
        count[y0:y1, x0:x1] += inside
    return count


def check_watertight(mesh: Tessellation, covered: NDArray[np.bool_], projection: Projection) -> None:
    """Every edge is used once in each direction, or it lies on the border of the covered texels."""
    height, width = covered.shape
    start = mesh.points[mesh.triangles].astype(np.int64).reshape(-1, 2)
    end = mesh.points[np.roll(mesh.triangles, -1, axis=1)].astype(np.int64).reshape(-1, 2)

    def key(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        x, u = (a[:, 0] % width, b[:, 0] % width) if projection.wraps else (a[:, 0], b[:, 0])
        return ((x * 1000 + a[:, 1]) * 1000 + u) * 1000 + b[:, 1]

    forth = key(start, end)
    assert len(np.unique(forth)) == len(forth)
    border = ~np.isin(forth, key(end, start))
    for a, b in zip(start[border], end[border], strict=True):
        assert a[0] == b[0] or a[1] == b[1], "a border edge is not along the grid"
        # Clockwise with y down: what lies to the right of an edge is inside, to the left is empty.
        lo, hi = np.minimum(a, b), np.maximum(a, b)
        outside = np.zeros(1, bool)
        if a[1] == b[1]:
            row = a[1] - 1 if b[0] > a[0] else a[1]
            if 0 <= row < height:
                outside = covered[row, lo[0] : hi[0]]
        else:
            column = a[0] if b[1] > a[1] else a[0] - 1
            if projection.wraps:
                column %= width
            if 0 <= column < width:
                outside = covered[lo[1] : hi[1], column]
        assert not outside.any(), "an edge inside the mesh has only one triangle"


@settings(max_examples=20)
@given(
    width=st.integers(20, 130),
    height=st.integers(20, 110),
    wraps=st.booleans(),
    seed=st.integers(0, 1000),
    bend=st.sampled_from([0.0, 0.01, 0.2]),
    noise=st.sampled_from([0.0, 0.01]),
    sizes=st.sampled_from([(32, 2, 8, 16), (32, 4, 8, 16), (16, 4, 4, 8), (16, 2, 8, 32)]),
)
def test_mesh_is_watertight_and_complete(
    width: int, height: int, wraps: bool, seed: int, bend: float, noise: float, sizes: tuple[int, int, int, int]
) -> None:
    if wraps:
        width += 70  # with fewer than three columns of leaves, edges could not be told apart by their ends
    projection = grid(width, height, wraps=wraps)
    rgba, disparity = blobs(width=width, height=height, seed=seed, bend=bend, noise=noise, wraps=wraps)
    largest, smallest, cut, cell = sizes
    config = TessellationConfig(largest=largest, smallest=smallest, cut=cut, cell=cell)
    mesh = tessellate(rgba, disparity, projection, tolerance=TOLERANCE, config=config)

    assert (doubled_areas(mesh) > 0).all()
    count = coverage(mesh, projection)
    assert count.max() == 1
    covered = count > 0
    assert covered[(rgba[..., 3] >= config.alpha_threshold).any(axis=0)].all()
    assert doubled_areas(mesh).sum() == 2 * covered.sum()
    check_watertight(mesh, covered, projection)

    x, y, w, h = mesh.rects.T
    assert (x >= 0).all() and (y >= 0).all() and (x + w <= width).all() and (y + h <= height).all()
    owner = mesh.rects[mesh.triangle_rect]
    corners = mesh.points[mesh.triangles].astype(np.int64)
    assert (corners >= owner[:, None, :2]).all() and (corners <= owner[:, None, :2] + owner[:, None, 2:]).all()
    assert len(np.unique(mesh.points, axis=0)) == len(mesh.points)
    assert np.isfinite(mesh.disparities).all() and (mesh.disparities >= 0).all()
    if wraps:
        seam = {int(py): k for k, (px, py) in enumerate(mesh.points) if px == 0}
        for k, (px, py) in enumerate(mesh.points):
            if px == width and int(py) in seam:
                assert (mesh.disparities[:, k] == mesh.disparities[:, seam[int(py)]]).all()


def interpolated(mesh: Tessellation, frame: int, projection: Projection) -> NDArray[np.float64]:
    """Disparity at every texel centre, NaN where no triangle is."""
    out = np.full((projection.height, projection.width), np.nan)
    for index in mesh.triangles:
        (ax, ay), (bx, by), (cx, cy) = mesh.points[index].astype(np.float64)
        a, b, c = mesh.disparities[frame, index].astype(np.float64)
        x0, x1, y0, y1 = (int(v) for v in (min(ax, bx, cx), max(ax, bx, cx), min(ay, by, cy), max(ay, by, cy)))
        y, x = np.mgrid[y0:y1, x0:x1] + 0.5
        det = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        s = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / det
        t = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / det
        inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9)
        out[y0:y1, x0:x1][inside] = (a + s * (b - a) + t * (c - a))[inside]
    return out


@pytest.mark.parametrize(
    ("bend", "wraps", "seed"), [(0.0, False, 1), (0.02, False, 2), (0.05, False, 3), (0.01, True, 4)]
)
def test_smooth_surfaces_are_within_the_tolerance(bend: float, wraps: bool, seed: int) -> None:
    projection = grid(256, 160, wraps=wraps)
    rgba, disparity = blobs(width=256, height=160, frames=3, seed=seed, bend=bend, wraps=wraps)
    mesh = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    assert mesh.tolerance == TOLERANCE
    assert mesh.error <= TOLERANCE
    for t in range(3):
        alpha = rgba[t, ..., 3] / 255.0
        error = np.where(alpha > 0, np.abs(interpolated(mesh, t, projection) - disparity[t]), 0)
        # Half the tolerance is what points that stand still may be off by, on top.
        assert (alpha * error).max() <= 1.3 * TOLERANCE


def test_a_plane_takes_few_triangles_and_a_bend_more() -> None:
    projection = grid(256, 160)
    counts = []
    for bend in (0.0, 0.05, 0.2):
        rgba = np.full((1, 160, 256, 4), 255, np.uint8)
        y, x = np.mgrid[0:160, 0:256] + 0.5
        truth = 0.5 + 1e-4 * x + bend * np.sin(x * np.pi / 64) * np.cos(y * 0.02)
        truth = truth[None].astype(np.float32)
        counts.append(len(tessellate(rgba, truth, projection, tolerance=TOLERANCE).triangles))
    assert counts[0] == 2 * 8 * 5
    assert counts[0] < counts[1] < counts[2]


def test_noise_does_not_refine_the_mesh() -> None:
    projection = grid(256, 160)
    rgba, disparity = blobs(width=256, height=160, frames=2)
    calm = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    noise = np.random.default_rng(1).normal(size=disparity.shape).astype(np.float32) * 4 * TOLERANCE
    rough = tessellate(rgba, disparity + noise, projection, tolerance=TOLERANCE)
    assert rough.tolerance > calm.tolerance
    assert len(rough.triangles) < 1.5 * len(calm.triangles)


def test_what_bends_under_noise_is_still_followed() -> None:
    """Noise of several tolerances, a bend of many: the mesh is right where its leaves average the noise away."""
    projection = grid(256, 160)
    rgba = np.full((1, 160, 256, 4), 255, np.uint8)
    y, x = np.mgrid[0:160, 0:256] + 0.5
    truth = 0.6 + 0.05 * np.sin(x * np.pi / 64) * np.cos(y * 0.02)
    noise = np.random.default_rng(2).normal(size=truth.shape) * 4 * TOLERANCE
    mesh = tessellate(rgba, (truth + noise)[None].astype(np.float32), projection, tolerance=TOLERANCE)
    error = np.abs(interpolated(mesh, 0, projection) - truth)
    assert mesh.tolerance > 5 * TOLERANCE
    assert np.sqrt((error**2).mean()) < TOLERANCE
    assert len(mesh.triangles) < 256 * 160 / 16


def test_points_away_from_what_moves_stand_still() -> None:
    projection = grid(256, 128)
    rgba = np.zeros((4, 128, 256, 4), np.uint8)
    rgba[:, 16:112, 8:100, 3] = 255
    rgba[:, 16:112, 140:248, 3] = 255
    disparity = np.full((4, 128, 256), 0.4, np.float32)
    for t in range(4):
        disparity[t, :, 120:] += 0.05 * t
    mesh = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    moving = (mesh.disparities != mesh.disparities[0]).any(axis=0)
    assert np.array_equal(moving, mesh.points[:, 0] > 120)
    assert np.abs(mesh.disparities[:, moving] - (0.4 + 0.05 * np.arange(4)[:, None])).max() < 1e-5


def test_disparity_under_transparent_texels_never_counts() -> None:
    projection = grid(160, 120)
    rgba, disparity = blobs(width=160, height=120, bend=0.02, seed=5)
    nonsense = np.where(rgba[..., 3] > 0, disparity, np.float32(np.nan))
    a = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    b = tessellate(rgba, nonsense, projection, tolerance=TOLERANCE)
    assert np.array_equal(a.triangles, b.triangles) and np.array_equal(a.disparities, b.disparities)


def test_silhouettes_keep_their_depth() -> None:
    """A slanted disc alone in its layer: no point of it is drawn towards the nonsense beside it."""
    projection = grid(128, 128)
    y, x = np.mgrid[0:128, 0:128] + 0.5
    rgba = np.zeros((1, 128, 128, 4), np.uint8)
    rgba[0, ..., 3] = np.round(255 * np.clip(40.5 - np.hypot(x - 64, y - 64), 0, 1))
    plane = (0.3 + 1e-3 * x).astype(np.float32)
    mesh = tessellate(rgba, np.where(rgba[..., 3] > 0, plane, 9.0).astype(np.float32), projection, tolerance=TOLERANCE)
    assert np.abs(mesh.disparities[0] - (0.3 + 1e-3 * mesh.points[:, 0])).max() < 2 * TOLERANCE


def test_triangles_are_drawn_far_to_near() -> None:
    projection = grid(160, 120)
    rgba, disparity = blobs(width=160, height=120, bend=0.1)
    mesh = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    means = mesh.disparities[0][mesh.triangles].mean(axis=1, dtype=np.float64)
    assert (np.diff(np.floor(means / (2 * TOLERANCE))) >= 0).all()
    assert means[-1] > means[0] + 10 * mesh.tolerance


def test_a_budget_of_triangles_is_kept() -> None:
    projection = grid(256, 160)
    rgba, disparity = blobs(width=256, height=160, bend=0.3, seed=2)
    free = tessellate(rgba, disparity, projection, tolerance=TOLERANCE)
    limit = len(free.triangles) // 2
    bound = tessellate(rgba, disparity, projection, tolerance=TOLERANCE, config=TessellationConfig(max_triangles=limit))
    assert len(bound.triangles) <= limit
    assert bound.tolerance > TOLERANCE
    least = tessellate(rgba, disparity, projection, tolerance=TOLERANCE, config=TessellationConfig(max_triangles=1))
    assert 1 < len(least.triangles) < limit


def test_a_layer_without_anything_has_an_empty_mesh() -> None:
    mesh = tessellate(
        np.zeros((2, 40, 50, 4), np.uint8), np.zeros((2, 40, 50), np.float32), grid(50, 40), tolerance=TOLERANCE
    )
    assert mesh.points.shape == (0, 2) and mesh.disparities.shape == (2, 0)
    assert len(mesh.triangles) == len(mesh.rects) == len(mesh.triangle_rect) == 0


def test_memory_mapped_layers_give_the_same_mesh(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rgba, disparity = blobs(width=96, height=64)
    rgba.tofile(tmp_path / "rgba")
    disparity.tofile(tmp_path / "disparity")
    mapped = tessellate(
        np.memmap(tmp_path / "rgba", np.uint8, "r", shape=rgba.shape),
        np.memmap(tmp_path / "disparity", np.float32, "r", shape=disparity.shape),
        grid(96, 64),
        tolerance=TOLERANCE,
    )
    plain = tessellate(rgba, disparity, grid(96, 64), tolerance=TOLERANCE)
    assert np.array_equal(mapped.triangles, plain.triangles)
    assert np.array_equal(mapped.disparities, plain.disparities)


def test_layers_too_large_to_keep_give_the_same_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    rgba, disparity = blobs(width=96, height=64, frames=3, bend=0.05)
    kept = tessellate(rgba, disparity, grid(96, 64), tolerance=TOLERANCE)
    monkeypatch.setattr("encoder.layers.tessellate_frames._KEPT_BYTES", 0)
    read_again = tessellate(rgba, disparity, grid(96, 64), tolerance=TOLERANCE)
    assert np.array_equal(kept.triangles, read_again.triangles)
    assert np.array_equal(kept.disparities, read_again.disparities)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="on a grid of 50x40"):
        tessellate(np.zeros((1, 40, 49, 4), np.uint8), np.zeros((1, 40, 49), np.float32), grid(50, 40), tolerance=1.0)
    with pytest.raises(ValueError, match="positive"):
        tessellate(np.zeros((1, 4, 5, 4), np.uint8), np.zeros((1, 4, 5), np.float32), grid(5, 4), tolerance=0.0)
    with pytest.raises(ValueError, match="powers of two"):
        TessellationConfig(largest=24)
    with pytest.raises(ValueError, match="out of order"):
        TessellationConfig(cut=32, cell=16)


def test_tolerance_is_parallax_at_the_head_offset() -> None:
    assert disparity_tolerance(grid(100, 100), head_offset_m=0.5, delta_px=1.0) == pytest.approx(1 / (0.5 * 573.0))
