"""A scene that is known is found again: by the sweep, and better by descent."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.metrics import psnr
from encoder.msi.descent import DescentConfig, descend
from encoder.msi.scene import Scene, inside, render_view
from encoder.msi.sweep import SweepConfig, sweep
from encoder.msi.views import Floats, image_with_weight
from protocol.projection import ShellKind
from tests.encoder.msi.shell_scenes import KINDS, photograph, row_of_views, two_surfaces, window_of

DISPARITIES = np.linspace(0.1, 1.5, 8).astype(np.float32)
NEAR, FAR = 5, 1


def held_out_psnr(scene: Scene, shells: Floats, truth: np.ndarray) -> float:
    view = row_of_views()[5]
    mask = inside(scene, view).reshape(truth.shape[:2])
    return psnr(truth / 255.0, render_view(scene, shells, view)[0][..., :3].clip(0, 1), mask)


@pytest.mark.parametrize("kind", KINDS)
def test_two_surfaces_are_recovered_by_the_sweep_and_improved_by_descent(kind: ShellKind) -> None:
    window = window_of(kind, 92, 76, 60.0)
    views = row_of_views()
    truth = two_surfaces(window, DISPARITIES, near=NEAR, far=FAR)
    pictures = photograph(Scene(window, DISPARITIES, views), truth)
    scene = Scene(window, DISPARITIES, views[:5])
    images = [image_with_weight(v, p) for v, p in zip(scene.views, pictures, strict=False)]
    shells = sweep(scene, images, SweepConfig(cameras=5))
    assert (shells[0, ..., 3] == 1).all() and shells.min() >= 0 and shells.max() <= 1

    weights = np.cumprod(1 - shells[::-1, ..., 3], axis=0)[::-1]
    weights = shells[..., 3] * np.concatenate([weights[1:], np.ones_like(weights[:1])])
    dominant = weights.argmax(axis=0)
    H, W = window.height, window.width
    square = np.s_[2 * H // 5 + 2 : 3 * H // 5 - 2, 2 * W // 5 + 2 : 3 * W // 5 - 2]
    wall = np.s_[20 : H - 20, 20 : 2 * W // 5 - 6]  # what all cameras see, clear of the square's parallax
    assert (dominant[square] == NEAR).mean() > 0.95
    assert (dominant[wall] == FAR).mean() > 0.95

    swept = held_out_psnr(scene, shells, pictures[5])
    steps = []
    refined = descend(scene, images, shells, DescentConfig(steps=30), on_step=lambda: steps.append(1))
    assert refined is shells and len(steps) == 30
    assert swept > 24
    assert held_out_psnr(scene, refined, pictures[5]) > swept + 1.0


def test_descent_without_useful_pixels_changes_nothing() -> None:
    window = window_of("plane", 92, 76, 60.0)
    scene = Scene(window, DISPARITIES, row_of_views()[:5])
    images = [np.zeros((48, 64, 4), np.float32) for _ in scene.views]
    start = np.random.default_rng(0).random((*scene.shape, 4), np.float32)
    start[..., 3] += 0.1
    assert np.array_equal(descend(scene, images, start.copy(), DescentConfig(steps=2)), start)
