"""The stereo network: any number of planes, tiles like the whole, cameras in any order; and what it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from encoder.msi.network_solve import pictures_of
from encoder.msi.reproject import reproject
from encoder.msi.scene import GRID_STRIDE
from encoder.msi.stereo import STRIDE, StereoConfig, StereoNetwork
from encoder.msi.stereo_solve import StereoSolver
from encoder.msi.views import Floats
from encoder.train.config import TrainConfig
from encoder.train.judged import squared_error
from encoder.train.scenes import SceneConfig, TrainingScene, make_scene
from encoder.train.stereo_lesson import learn, solved
from encoder.train.textures import TextureBank

PAIR = SceneConfig(side=40, shells=(6, 9), cameras=(2, 2), shift=(6, 12), beyond=1.0)


@pytest.fixture(scope="module")
def scenes() -> list[TrainingScene]:
    bank = TextureBank(seed=4, count=24)
    return [make_scene([4, k], bank, PAIR) for k in range(3)]


def stirred() -> StereoNetwork:
    """Weights that do something everywhere."""
    torch.manual_seed(2)
    network = StereoNetwork(StereoConfig(width=4))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return network.eval()


def found_by(network: StereoNetwork, scene: TrainingScene) -> Floats:
    shells = np.empty((*scene.scene.shape, 4), np.float32)
    StereoSolver(network, scene.scene).solve(scene.images, shells)
    return shells


def test_reprojection_is_the_picture_where_the_camera_sees_it(scenes: list[TrainingScene]) -> None:
    scene = scenes[0].scene
    view, N = scene.views[0], len(scene.disparities)
    ys, xs = np.mgrid[0 : view.model.height, 0 : view.model.width].astype(np.float32)
    # A picture that says where its pixels are.
    picture = np.stack([(xs + 0.5) / 100, (ys + 0.5) / 100, np.zeros_like(xs), np.ones_like(xs)], axis=-1)
    out = np.empty((*scene.shape, 4), np.float32)
    reproject(picture, scene.grids[0], GRID_STRIDE, out)
    T = np.linalg.inv(view.T_show_camera)
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(200):
        i, y, x = (int(rng.integers(size)) for size in scene.shape)
        direction = scene.window.directions(np.array([x + 0.5, y + 0.5]))
        pixel, valid = view.model.project(T[:3, :3] @ direction + float(scene.disparities[i]) * T[:3, 3])
        inside = valid and (pixel > 0.6).all() and (pixel < np.array([view.model.width, view.model.height]) - 0.6).all()
        if inside:
            seen += 1
            assert out[i, y, x, 3] == 1 and np.abs(100 * out[i, y, x, :2] - pixel).max() < 0.05
        elif not valid or (pixel < -0.6).any():
            assert not out[i, y, x].any()
    assert seen > 50 and N >= 6


@pytest.mark.parametrize("side", [16, 48])
def test_tiles_are_as_good_as_all_at_once(
    scenes: list[TrainingScene], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = stirred()
    whole = found_by(network, scenes[0])
    monkeypatch.setattr("encoder.msi.stereo_solve._LONGEST", side)
    assert side % STRIDE == 0 and np.allclose(found_by(network, scenes[0]), whole, atol=1e-5)


def test_the_order_of_the_cameras_does_not_matter(scenes: list[TrainingScene]) -> None:
    network, scene = stirred(), scenes[1]
    turned = replace(scene, scene=replace(scene.scene, views=scene.scene.views[::-1]))
    first = found_by(network, scene)
    assert first[..., 3].std() > 0.01 and np.array_equal(first, found_by(network, turned))


def test_any_number_of_planes_and_the_farthest_is_opaque(scenes: list[TrainingScene]) -> None:
    scene = scenes[2]
    for count in (1, 2, 5):
        some = replace(scene, scene=replace(scene.scene, disparities=scene.scene.disparities[:count]))
        found = found_by(stirred(), some)
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1 + 1e-6
        assert (found[0, ..., 3] == 1).all()


def test_only_free_texels_change_and_a_blind_camera_is_borne(scenes: list[TrainingScene]) -> None:
    scene, network = scenes[0], stirred()
    before = np.full((*scene.scene.shape, 4), 0.5, np.float32)
    free = np.zeros(scene.scene.shape, np.uint8)
    free[1:3, 5:20, 8:30] = 1
    after = before.copy()
    StereoSolver(network, scene.scene).solve(scene.images, after, free=free)
    changed = (after != before).any(axis=-1)
    assert changed.any() and not changed[free == 0].any()
    one = replace(scene, images={name: image for name, image in scene.images.items() if name != "c1"})
    assert np.isfinite(found_by(network, one)).all()


def test_it_learns(scenes: list[TrainingScene]) -> None:
    """A few steps on one scene make it better there, at views that are no source."""
    torch.manual_seed(0)
    network, scene = StereoNetwork(StereoConfig(width=4)), scenes[0]
    adam = torch.optim.Adam(network.parameters(), 0.01)
    truths = pictures_of(scene.judged, scene.images, 1)
    before = squared_error(solved(network, scene)[1], scene.judged, truths)
    for _ in range(40):
        adam.zero_grad()
        learn(network, scene, TrainConfig(solver="stereo"), None)
        adam.step()
    assert squared_error(solved(network, scene)[1], scene.judged, truths) < 0.8 * before
