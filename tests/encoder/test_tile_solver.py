"""A tile through time: layers at full resolution that keep every bit where nothing changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.layers.refine import RefineConfig
from encoder.msi.descent import DescentConfig
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig
from encoder.stopwatch import Stopwatch
from encoder.tile_solver import TileSolver
from tests.encoder.msi.shell_scenes import photograph, row_of_views, two_surfaces, window_of

DISPARITIES = np.linspace(0.1, 1.3, 9).astype(np.float32)
BORDERS = np.array([0, 3, 6, 9])
WINDOW = window_of("plane", 150, 120, 100.0)
CONFIG = SolveConfig(
    descent=replace(DescentConfig(), steps=12),
    refine=replace(RefineConfig(), steps=16),
    coarse_steps=10,
    divisor=2,
    smallest=30,
)
Pictures = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def filmed() -> tuple[Scene, Pictures]:
    views = row_of_views(size=(104, 78), focal=100.0)[:5]
    scene = Scene(WINDOW, DISPARITIES, views)
    truth = two_surfaces(WINDOW, DISPARITIES, near=5, far=1)
    return scene, {v.name: p for v, p in zip(views, photograph(scene, truth), strict=True)}


def solver(scene: Scene, config: SolveConfig = CONFIG) -> TileSolver:
    return TileSolver(WINDOW, DISPARITIES, scene.views, BORDERS, config, least_weight=1 / 64)


def solved(tile: TileSolver, pictures: Pictures) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    tile.solve(pictures, on_step=lambda: None, watch=Stopwatch())
    return tile.rgba.copy(), tile.disparity.copy()


def test_shells_are_coarse_and_layers_are_not(filmed: tuple[Scene, Pictures]) -> None:
    scene, pictures = filmed
    tile = solver(scene)
    calls: list[int] = []
    tile.solve(pictures, on_step=lambda: calls.append(1), watch=Stopwatch())
    assert len(calls) == tile.steps == 38
    assert tile.shells.shape == (9, 60, 75, 4)
    assert tile.rgba.shape == (3, 120, 150, 4) and tile.disparity.shape == (3, 120, 150)
    alone = solver(scene, SolveConfig(solver="sweep"))
    rgba, _ = solved(alone, pictures)
    assert alone.shells.shape == (9, 120, 150, 4) and rgba[0, ..., 3].max() == 255


def test_of_the_farthest_layer_is_shown_what_a_camera_sees(filmed: tuple[Scene, Pictures]) -> None:
    """The rest is left to be filled; for the solver it was opaque."""
    scene, pictures = filmed
    tile = solver(scene)
    rgba, _ = solved(tile, pictures)
    dropped = tile.collapsed[0][0, ..., 3] == 0
    assert 0 < dropped.mean() < 1
    large = dropped.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(rgba[0, ..., 3], np.where(large, 0, 255))


def test_frames_without_change_keep_every_bit(filmed: tuple[Scene, Pictures]) -> None:
    scene, pictures = filmed
    tile = solver(scene)
    first = solved(tile, pictures)
    again = solved(tile, {name: picture.copy() for name, picture in pictures.items()})
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_two_runs_give_the_same_bits(filmed: tuple[Scene, Pictures]) -> None:
    scene, pictures = filmed
    assert all(
        np.array_equal(a, b)
        for a, b in zip(solved(solver(scene), pictures), solved(solver(scene), pictures), strict=True)
    )


def test_a_change_changes_what_is_near_it_and_nothing_else(filmed: tuple[Scene, Pictures]) -> None:
    scene, pictures = filmed
    tile = solver(scene)
    before, before_depth = solved(tile, pictures)
    lit = {}
    for view in scene.views:
        picture = pictures[view.name].copy()
        x, y = -0.3 - DISPARITIES[1] * view.origin[0], 0.2 - DISPARITIES[1] * view.origin[1]
        column, row = round(52 + 100 * x), round(39 - 100 * y)
        picture[row - 5 : row + 5, column - 5 : column + 5] = 255
        lit[view.name] = picture
    after, after_depth = solved(tile, lit)
    moved = (before != after).any(axis=(0, 3)) | (before_depth != after_depth).any(axis=0)
    assert moved.any()
    rows, columns = np.nonzero(moved)
    # The patch is at texel (45, 40) of the wall; it is solved in whole blocks, with those beside them.
    assert rows.max() < 40 + 44 and columns.max() < 45 + 44
    assert after[0, 36:44, 41:49, :3].mean() > 200
