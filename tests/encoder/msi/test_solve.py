"""Frame after frame: what did not change stays bit by bit, what did is solved again, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.msi.descent import DescentConfig
from encoder.msi.scene import Scene, render_view
from encoder.msi.solve import SolveConfig, SolverName, WindowSolver
from tests.encoder.msi.shell_scenes import photograph, row_of_views, two_surfaces, window_of

DISPARITIES = np.linspace(0.1, 1.3, 7).astype(np.float32)
Pictures = dict[str, NDArray[np.uint8]]


def scene_and_pictures() -> tuple[Scene, Pictures]:
    window = window_of("plane", 88, 72, 60.0)
    scene = Scene(window, DISPARITIES, row_of_views()[:5])
    truth = two_surfaces(window, DISPARITIES, near=4, far=1)
    return scene, {v.name: p for v, p in zip(scene.views, photograph(scene, truth), strict=True)}


def solver(scene: Scene, name: SolverName) -> WindowSolver:
    return WindowSolver(scene, SolveConfig(solver=name, descent=DescentConfig(steps=4)))


def patched(scene: Scene, pictures: Pictures) -> Pictures:
    """The same moment with a bright square on the wall at tangent (-0.4, 0.3), filmed by all cameras."""
    out = {}
    for view in scene.views:
        picture = pictures[view.name].copy()
        x, y = (-0.4 - DISPARITIES[1] * view.origin[0], 0.3 - DISPARITIES[1] * view.origin[1])
        column, row = round(32 + 60 * x), round(24 - 60 * y)
        picture[row - 3 : row + 3, column - 3 : column + 3] = 255
        out[view.name] = picture
    return out


@pytest.mark.parametrize("name", ["sweep", "descent"])
def test_frames_without_change_keep_every_bit(name: SolverName) -> None:
    scene, pictures = scene_and_pictures()
    rng = np.random.default_rng(0)
    frames = solver(scene, name)
    first = frames.solve(pictures).copy()
    again = frames.solve({k: p.copy() for k, p in pictures.items()})
    assert np.array_equal(first, again)
    noisy = {k: (p + rng.integers(-1, 2, p.shape)).clip(0, 255).astype(np.uint8) for k, p in pictures.items()}
    assert np.array_equal(first, frames.solve(noisy))


@pytest.mark.parametrize("name", ["sweep", "descent"])
def test_a_change_changes_what_is_near_it_and_nothing_else(name: SolverName) -> None:
    scene, pictures = scene_and_pictures()
    frames = solver(scene, name)
    before = frames.solve(pictures).copy()
    after = frames.solve(patched(scene, pictures))
    moved = (before != after).any(axis=(0, 3))
    assert moved.any()
    rows, columns = np.nonzero(moved)
    # The patch is at texel (20, 18) of the wall; other shells see its rays up to some texels away.
    assert rows.max() < 18 + 26 and columns.max() < 20 + 26
    wall = (slice(16, 20), slice(18, 22))
    weights = np.cumprod(1 - after[::-1, ..., 3], axis=0)[::-1]
    weights = after[..., 3] * np.concatenate([weights[1:], np.ones_like(weights[:1])])
    seen = (weights[..., None] * after[..., :3]).sum(axis=0)
    assert seen[wall].mean() > 0.8


@pytest.mark.parametrize("noise", [0, 2])
def test_what_changed_once_and_stays_keeps_every_bit(noise: int) -> None:
    scene, pictures = scene_and_pictures()
    rng = np.random.default_rng(0)
    frames = solver(scene, "descent")

    def filmed(seen: Pictures) -> Pictures:
        return {k: (p + rng.normal(0, noise, p.shape)).round().clip(0, 255).astype(np.uint8) for k, p in seen.items()}

    frames.solve(filmed(pictures))
    found = [frames.solve(filmed(patched(scene, pictures))).copy() for _ in range(4)]
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_slow_drift_is_followed() -> None:
    """Changes under the threshold add up against what was last solved, not against the frame before."""
    scene, pictures = scene_and_pictures()
    frames = solver(scene, "sweep")
    first = frames.solve(pictures).copy()
    for step in range(1, 7):
        brighter = {k: (p.astype(int) + step).clip(0, 255).astype(np.uint8) for k, p in pictures.items()}
        last = frames.solve(brighter)
    assert not np.array_equal(first, last)


def test_a_fade_with_noise_is_followed_through_a_group() -> None:
    """Where noise makes some cameras see a change and others not yet, it is not forgotten until all do."""
    scene, pictures = scene_and_pictures()
    rng = np.random.default_rng(0)
    frames = solver(scene, "sweep")
    view = scene.views[2]
    offsets = []
    for step in range(14):
        light = 1 - 0.012 * step
        noisy = {
            k: (p * light + rng.normal(0, 2, p.shape)).round().clip(0, 255).astype(np.uint8)
            for k, p in pictures.items()
        }
        shells = frames.solve(noisy)
        seen = render_view(scene, shells, view)[0]
        inner = seen[8:-8, 8:-8, 3] > 0.99
        offsets.append(float((255 * seen[..., :3] - pictures[view.name] * light)[8:-8, 8:-8][inner].mean()))
    assert np.abs(np.subtract(offsets, offsets[0])).max() < 6  # levels; the light lost about 20


def test_a_camera_that_dies_leaves_the_others_to_it() -> None:
    scene, pictures = scene_and_pictures()
    frames = solver(scene, "descent")
    before = frames.solve(pictures).copy()
    living = {name: picture for name, picture in pictures.items() if name != scene.views[1].name}
    assert np.array_equal(before, frames.solve(living))
    moved = patched(scene, pictures)
    with_four = frames.solve({name: moved[name] for name in living}).copy()
    assert (before != with_four).any()
    everyone = solver(scene, "descent")
    everyone.solve(pictures)
    difference = np.abs(
        render_view(scene, with_four, scene.views[2])[0] - render_view(scene, everyone.solve(moved), scene.views[2])[0]
    )
    assert difference.mean() < 0.01


def test_two_runs_give_the_same_bits() -> None:
    scene, pictures = scene_and_pictures()
    results = []
    for _ in range(2):
        frames = solver(replace(scene), "descent")
        frames.solve(pictures)
        results.append(frames.solve(patched(scene, pictures)).copy())
    assert np.array_equal(*results)
