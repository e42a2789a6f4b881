"""Light is told from motion, and colours follow it by a factor."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.msi.relight import light_ratio, moved_pixels, relight, texel_ratio
from encoder.msi.scene import CHOICE_BLOCK, GRID_STRIDE, Scene, choose_views
from encoder.msi.turns import cosine_fall, turns
from encoder.msi.views import Floats
from tests.encoder.msi.shell_scenes import row_of_views, texture, window_of

F = np.float32


def picture(*, seed: int = 0) -> Floats:
    out = np.ones((40, 50, 4), F)
    out[..., :3] = texture((40, 50), seed=seed, scale=0.4)
    return out


def changed(image: np.ndarray, reference: np.ndarray, threshold: float) -> np.ndarray:
    out = np.empty(image.shape[:2], np.uint8)
    moved_pixels(image, reference, np.ones((*image.shape[:2], 3), F), F(1.3), F(threshold), out)
    return out


def test_a_patch_counts_and_noise_of_single_pixels_does_not() -> None:
    rng = np.random.default_rng(0)
    reference = rng.random((20, 30, 4), np.float32)
    image = reference.copy()
    image[5:9, 10:15, 1] += 0.1
    image[15, 20, 2] += 0.08  # a 3x3 mean of 0.009
    image[..., 3] += 1.0  # the weight is no colour
    mask = changed(image, reference, 0.02)
    assert mask[5:9, 10:15].all()
    assert not mask[12:].any() and not mask[:, :8].any()


def test_noise_around_0_is_averaged_out() -> None:
    rng = np.random.default_rng(1)
    reference = np.full((40, 40, 4), 0.5, np.float32)
    image = reference + rng.normal(scale=0.01, size=reference.shape).astype(np.float32)
    assert changed(image, reference, 0.03).mean() == 0


def light_and_motion(image: Floats, reference: Floats) -> tuple[Floats, np.ndarray]:
    ratio, moved = np.empty((40, 50, 3), F), np.empty((40, 50), np.uint8)
    light_ratio(image, reference, 4, ratio)
    moved_pixels(image, reference, ratio, F(1.3), F(3 / 255), moved)
    return ratio, moved


def test_a_lamp_is_light_and_no_motion() -> None:
    reference = picture()
    image = reference.copy()
    image[..., :3] *= np.array([0.9, 0.95, 1.1], F)
    ratio, moved = light_and_motion(image, reference)
    assert np.allclose(ratio, [0.9, 0.95, 1.1], atol=0.02)
    assert not moved.any()


def test_a_thing_that_comes_is_motion_and_only_where_it_is() -> None:
    reference = picture()
    image = reference.copy()
    image[10:20, 15:30, :3] = picture(seed=5)[10:20, 15:30, :3]
    _, moved = light_and_motion(image, reference)
    assert moved[11:19, 16:29].mean() > 0.7
    moved[5:25, 10:35] = 0
    assert not moved.any()


def test_light_that_changes_by_more_than_a_lamp_is_motion() -> None:
    reference = picture()
    image = reference.copy()
    image[..., :3] *= 0.5
    assert light_and_motion(image, reference)[1].mean() > 0.9


def test_texels_have_the_mean_ratio_of_the_cameras_that_see_them() -> None:
    window, disparities = window_of("plane", 72, 56, 60.0), np.array([0.2, 0.6, 1.0], F)
    scene = Scene(window, disparities, row_of_views()[:5])
    ratios = np.zeros((5, 48, 64, 3), F)
    ratios[:] = np.array([0.8, 0.9, 1.0, 1.1, 1.2], F)[:, None, None, None]
    out = np.empty((2, 56, 72, 3), F)
    texel_ratio(ratios, scene.grids, GRID_STRIDE, choose_views(scene, 5), CHOICE_BLOCK, np.array([0, 2]), out)
    assert np.allclose(out[:, 24:32, 30:42], 1.0, atol=1e-5)  # seen by all
    ratios[1:] = 0.0  # beyond the pictures of the others
    texel_ratio(ratios, scene.grids, GRID_STRIDE, choose_views(scene, 5), CHOICE_BLOCK, np.array([0, 2]), out)
    assert np.allclose(out[:, 24:32, 30:42], 0.8, atol=1e-5)


@pytest.mark.parametrize("divisor", [1, 2])
def test_lit_texels_follow_and_come_back(divisor: int) -> None:
    rng = np.random.default_rng(0)
    shells = rng.random((3, 16 * divisor, 24 * divisor, 4), np.float32)
    before = shells.copy()
    lit = np.zeros(shells.shape[:3], np.uint8)
    lit[1, :8, 8:17] = 1
    ratio = np.full((2, 16, 24, 3), 1.25, F)
    ratio[0] = 7.0
    groups = np.array([0, 1, 1])
    relight(shells, groups, lit, divisor, ratio)
    texels = lit != 0
    assert np.array_equal(shells[~texels], before[~texels])
    assert np.allclose(shells[texels][:, :3], 1.25 * before[texels][:, :3])
    assert np.array_equal(shells[..., 3], before[..., 3])
    relight(shells, groups, lit, divisor, 1 / ratio)
    assert np.allclose(shells, before, atol=1e-6)  # above 1 nothing was lost


def test_every_camera_has_its_turn_before_any_has_two() -> None:
    taken = list(turns([3, 5, 8, 9], count=2, steps=4, seed=1))
    assert all(len(now) == 2 for now in taken)
    assert sorted(taken[0] + taken[1]) == sorted(taken[2] + taken[3]) == [3, 5, 8, 9]
    assert [sorted(now) for now in turns([4, 7], count=5, steps=2, seed=0)] == [[4, 7], [4, 7]]


def test_step_sizes_fall_from_one_towards_the_floor() -> None:
    falls = [cosine_fall(step, 10, floor=0.1) for step in range(1, 11)]
    assert falls[0] == 1.0 and falls == sorted(falls, reverse=True) and 0.1 < falls[-1] < 0.15
