"""Cameras that were set differently are brought to one colour, and cameras that agree are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.colour_match import match_colours, with_colours
from encoder.msi.views import View, image_with_weight, make_view
from encoder.rig.models import Pinhole
from protocol import geometry

WIDTH, HEIGHT, FOCAL, DEPTH = 192, 144, 120.0, 6.0


@pytest.fixture(scope="module")
def wall() -> tuple[list[View], dict[str, NDArray[np.uint8]], NDArray[np.float64]]:
    """Five cameras in a row before a wall of smooth colours, and points of the wall."""
    model = Pinhole(WIDTH, HEIGHT, (FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2))
    views, pictures = [], {}
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    for k, place in enumerate(np.linspace(-1.0, 1.0, 5)):
        pose = geometry.pose(np.diag([1.0, -1.0, -1.0]), np.array([place, 0.0, 0.0]))
        views.append(make_view(f"c{k}", model, pose, None))
        x, y = place + (xs - WIDTH / 2) / FOCAL * DEPTH, (ys - HEIGHT / 2) / FOCAL * DEPTH
        colour = np.stack([np.sin(1.3 * x + y), np.cos(x - 1.7 * y), np.sin(0.6 * x * y)], axis=-1)
        pictures[f"c{k}"] = np.round(128 + 80 * colour).astype(np.uint8)
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-4, 4, 4000), rng.uniform(-3, 3, 4000), np.full(4000, -DEPTH)], axis=-1)
    return views, pictures, points


def test_gains_and_offsets_of_cameras_are_taken_back(
    wall: tuple[list[View], dict[str, NDArray[np.uint8]], NDArray[np.float64]],
) -> None:
    views, pictures, points = wall
    gains = np.array([[0.92, 1.0, 1.05], [1.06, 0.97, 1.0], [1.0, 1.04, 0.95], [0.98, 1.0, 1.02], [1.04, 0.99, 0.98]])
    offsets = np.array([-6.0, 4.0, 0.0, 5.0, -3.0])[:, None] * [1.0, -1.0, 0.5]
    filmed = {
        view.name: np.clip(np.round(pictures[view.name] * gain + offset), 0, 255).astype(np.uint8)
        for view, gain, offset in zip(views, gains, offsets, strict=True)
    }
    filmed["c2"][40:90, 60:120] = 20  # a hand before one camera's lens is no colour of the wall
    match = match_colours(views, filmed, points)
    assert match is not None and match.after < 0.3 * match.before
    table = np.stack([match.maps[view.name] for view in views])
    assert np.allclose(table.mean(axis=0), [[1, 1, 1], [0, 0, 0]], atol=2e-3)
    restored = [image_with_weight(with_colours(view, match), filmed[view.name])[..., :3] for view in views]
    before, after = [], []
    for view, picture in zip(views, restored, strict=True):
        keep = np.ones((HEIGHT, WIDTH), np.bool_)
        keep[40:90, 60:120] = False
        truth = pictures[view.name] / 255.0
        before.append(np.abs(filmed[view.name] / 255.0 - truth)[keep].mean())
        after.append((picture - truth)[keep].mean(axis=0))
    # What is left is the same for all cameras: nobody knows which of them is right.
    assert np.ptp(after, axis=0).max() < 0.25 * np.mean(before)


def test_cameras_that_agree_are_left_alone(
    wall: tuple[list[View], dict[str, NDArray[np.uint8]], NDArray[np.float64]],
) -> None:
    views, pictures, points = wall
    assert match_colours(views, pictures, points) is None
    assert with_colours(views[0], None) is views[0]
    assert match_colours(views, pictures, points[:100]) is None


def test_one_camera_that_is_quite_different_does_not_draw_the_others(
    wall: tuple[list[View], dict[str, NDArray[np.uint8]], NDArray[np.float64]],
) -> None:
    """Dark by a factor of five it is brought to the others; black it says nothing, and they stay as they are."""
    views, pictures, points = wall
    dark = pictures | {"c1": np.round(pictures["c1"] * 0.2).astype(np.uint8)}
    match = match_colours(views, dark, points)
    assert match is not None
    assert np.allclose(match.maps["c1"][0], 5, rtol=0.1)
    assert all(np.allclose(match.maps[name], [[1] * 3, [0] * 3], atol=0.02) for name in ("c0", "c2", "c3", "c4"))
    black = pictures | {"c1": np.zeros_like(pictures["c1"]), "c3": np.round(pictures["c3"] * 0.9).astype(np.uint8)}
    match = match_colours(views, black, points)
    assert match is None or np.allclose(match.maps["c0"], [[1] * 3, [0] * 3], atol=0.04)


def test_two_cameras_of_which_neither_is_the_rule(
    wall: tuple[list[View], dict[str, NDArray[np.uint8]], NDArray[np.float64]],
) -> None:
    views, pictures, points = wall
    match = match_colours(views[:2], pictures | {"c1": np.round(pictures["c1"] * 0.3).astype(np.uint8)}, points)
    assert match is not None
    table = np.stack([match.maps[name] for name in ("c0", "c1")])
    assert np.isfinite(table).all() and np.allclose(table[1, 0] / table[0, 0], 1 / 0.3, rtol=0.1)
