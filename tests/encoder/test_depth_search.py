"""Near and far of a wall and a square that fisheyes look at from within, and rigs that share nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.depth_search import Surroundings, check_common, find_near_far, survey
from encoder.falloff import find_falloff, with_falloff
from encoder.msi.views import View, image_with_weight, make_view
from encoder.rig.camera import Camera
from encoder.rig.models import KannalaBrandt
from protocol import geometry
from protocol.errors import RigError

SIZE, FOCAL = 160, 40.0
ROOM, PILLAR = 4.0, 1.5


def texture(points: np.ndarray, *, seed: int) -> np.ndarray:
    """(..., 3) colours in 0..1 of points in space, details of about a fifth of the room."""
    rng = np.random.default_rng(seed)
    out = np.zeros((*points.shape[:-1], 3))
    for _ in range(24):
        wave = rng.normal(size=3) * 2.0 / np.linalg.norm(points, axis=-1).max() * ROOM
        out += np.sin(points @ wave + rng.uniform(0, 6.28))[..., None] * rng.uniform(0.4, 1.0, 3)
    return np.clip(0.5 + 0.09 * out, 0.05, 0.95)


def photograph(view: View) -> np.ndarray:
    """A ball of a room, and inside it part of a nearer ball, ahead."""
    rays = view.directions.T.astype(np.float64)
    along = rays @ view.origin

    def hit(radius: float) -> np.ndarray:
        distance = -along + np.sqrt(along**2 + radius**2 - view.origin @ view.origin)
        return np.asarray(view.origin + distance[:, None] * rays)

    far, near = hit(ROOM), hit(PILLAR)
    ahead = (-near[:, 2] > 0.85 * PILLAR)[:, None]
    picture = np.where(ahead, texture(near, seed=2), texture(far, seed=1))
    return np.round(255 * picture).astype(np.uint8).reshape(SIZE, SIZE, 3)


@pytest.fixture(scope="module")
def first() -> Surroundings:
    """Four fisheyes of 230 degrees, back to back."""
    model = KannalaBrandt(SIZE, SIZE, (FOCAL, FOCAL, SIZE / 2, SIZE / 2, 0.0, 0.0, 0.0, 0.0))
    cameras, views = [], []
    for k in range(4):
        angle = 0.5 * np.pi * k
        turn = geometry.rotation_from_angle_axis(np.array([0.0, angle, 0.0]))
        pose = geometry.pose(turn @ np.diag([1.0, -1.0, -1.0]), turn @ np.array([0.0, 0.0, -0.2]))
        cameras.append(Camera(f"c{k}", model, pose, (), None))
        views.append(make_view(f"c{k}", model, pose, None))
    pictures = {view.name: photograph(view) for view in views}
    return Surroundings(tuple(views), tuple(cameras), pictures, "sphere", FOCAL, 1)


def test_near_and_far_enclose_what_is_there(first: Surroundings) -> None:
    near, far = find_near_far(first)
    assert 0.3 * PILLAR < near < 1.02 * PILLAR
    assert far > ROOM


def test_cameras_that_film_one_scene_agree(first: Surroundings) -> None:
    found = check_common(first, 1.0, 20.0)
    assert found.near is not None and found.near < PILLAR


def test_unrelated_pictures_are_refused(first: Surroundings) -> None:
    pictures = {
        view.name: np.round(255 * texture(view.directions.T * ROOM, seed=10 + k))
        .astype(np.uint8)
        .reshape(SIZE, SIZE, 3)
        for k, view in enumerate(first.sources)
    }
    with pytest.raises(RigError, match="nothing in common"):
        check_common(replace(first, pictures=pictures), 1.0, 20.0)


def test_black_pictures_are_refused(first: Surroundings) -> None:
    pictures = {view.name: np.zeros((SIZE, SIZE, 3), np.uint8) for view in first.sources}
    with pytest.raises(RigError, match="nothing in common"):
        check_common(replace(first, pictures=pictures), 1.0, 20.0)
    near, far = find_near_far(replace(first, pictures=pictures))
    assert near < PILLAR and far > ROOM


def test_cameras_in_one_place_are_refused(first: Surroundings) -> None:
    sources = []
    for view in first.sources:
        pose = view.T_show_camera.copy()
        pose[:3, 3] = 0.0
        sources.append(replace(view, T_show_camera=pose))
    with pytest.raises(RigError, match="one place"):
        find_near_far(replace(first, sources=sources))


def test_cameras_that_never_share_a_direction_find_nothing(first: Surroundings) -> None:
    views = [replace(view, weight=np.zeros_like(view.weight)) for view in first.sources]
    found = survey(replace(first, sources=views), 1.0, 20.0)
    assert found.near is None and found.cost == np.inf


def test_falloff_of_the_lenses_is_found_and_removed(first: Surroundings) -> None:
    dark, names = {}, [view.name for view in first.sources]
    for view in first.sources:
        angle = np.arccos(np.clip(view.T_show_camera[:3, 2] @ view.directions, -1, 1)).reshape(SIZE, SIZE, 1)
        gain = 1.06 if view.name == names[1] else 1.0
        dark[view.name] = np.clip(np.round(first.pictures[view.name] * gain * np.exp(-0.15 * angle**2)), 0, 255).astype(
            np.uint8
        )
    found = find_falloff(first.sources, dark, distance=ROOM)
    assert found is not None and found.after < 0.5 * found.before
    assert np.allclose(found.at(np.array([0.5, 1.0, 1.2])), np.exp(-0.15 * np.array([0.5, 1.0, 1.2]) ** 2), atol=0.03)
    assert found.gains[names[1]] / found.gains[names[0]] == pytest.approx(1.06, abs=0.02)
    view = with_falloff(first.sources[0], found)
    restored = image_with_weight(view, dark[names[0]])[..., :3] * found.gains[names[0]]
    assert np.median(np.abs(restored - first.pictures[names[0]] / 255.0)) < 0.02


def test_even_lenses_are_left_alone(first: Surroundings) -> None:
    assert find_falloff(first.sources, first.pictures, distance=ROOM) is None
    assert with_falloff(first.sources[0], None) is first.sources[0]
