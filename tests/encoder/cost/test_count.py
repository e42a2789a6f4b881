"""Layers and chunks add up to the show's cost."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.cost.count import Drawn, cost_of, drawn_chunk, drawn_layer
from encoder.cost.eyes import eyes_of
from protocol.budget import Cost
from protocol.mesh_codec import Geometry, LayerMesh
from tests.encoder.cost.meshes import BOX, DOME, PLANE, bumpy_layer


def empty_layer() -> LayerMesh:
    return LayerMesh(
        points=np.zeros((0, 2), np.uint16),
        disparities=np.zeros((1, 0), np.float32),
        rects=(),
        triangles=np.zeros((0, 3), np.uint32),
        triangle_rect=np.zeros(0, np.uint16),
    )


def test_a_chunk_is_the_sum_of_its_layers() -> None:
    layers = bumpy_layer(PLANE), empty_layer(), bumpy_layer(PLANE, seed=1)
    eyes = eyes_of(PLANE, **BOX)
    first, nothing, last = (drawn_layer(layer, PLANE, eyes) for layer in layers)
    chunk = drawn_chunk(Geometry(layers), PLANE, eyes)
    assert (nothing.triangles, nothing.draws, nothing.coverage.sum()) == (0, 0, 0)
    assert chunk.triangles == first.triangles + last.triangles == 2 * (16 * 12 * 2)
    assert chunk.draws == 2
    assert np.array_equal(chunk.coverage, first.coverage + last.coverage)


def test_triangles_of_spheres_are_those_that_players_draw() -> None:
    """Edges of 32 texels are cut in two, those of planes are not."""
    for projection, parts in ((DOME, 4), (PLANE, 1)):
        coarse = drawn_layer(bumpy_layer(projection, step=32), projection, eyes_of(projection, **BOX))
        squares = (projection.width // 32) * (projection.height // 32)
        assert coarse.triangles >= 2 * squares * parts


def test_mean_and_99_of_100() -> None:
    views = np.arange(1, 101) / 10
    chunks = [Drawn(half, triangles, 3) for half, triangles in ((views[::2], 10), (views[1::2], 7))]
    assert cost_of(chunks) == Cost(coverage_mean=5.05, coverage_p99=9.9, triangles=10, draws=3)
    assert cost_of([Drawn(np.array([2.0]), 1, 1)]).coverage_p99 == 2.0


def test_rounded_up() -> None:
    cost = cost_of([Drawn(np.array([4.00001, 4.00001]), 1, 1)])
    assert (cost.coverage_mean, cost.coverage_p99) == (pytest.approx(4.001), pytest.approx(4.001))
    assert cost_of([Drawn(np.array([4.0 + 1e-12]), 1, 1)]).coverage_mean == 4.0


def test_parts_within_their_bounds_make_a_whole_within() -> None:
    """What the headset profile relies on: chunks that keep to the budget make a show that does."""
    rng = np.random.default_rng(2)
    chunks = [Drawn(rng.gamma(4, size=45), 1, 1) for _ in range(7)]
    parts = [cost_of([chunk]) for chunk in chunks]
    whole = cost_of(chunks)
    assert whole.coverage_mean <= max(part.coverage_mean for part in parts)
    assert whole.coverage_p99 <= max(part.coverage_p99 for part in parts)
