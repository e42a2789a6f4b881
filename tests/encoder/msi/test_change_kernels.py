"""Which pixels and texels count as changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.msi import change_kernels
from encoder.msi.scene import Scene, render_view
from tests.encoder.msi.shell_scenes import row_of_views, window_of

F = np.float32


@given(height=st.integers(1, 10), width=st.integers(1, 10), radius=st.integers(0, 3), seed=st.integers(0, 500))
def test_dilate_reaches_a_square(height: int, width: int, radius: int, seed: int) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < 0.2).astype(np.uint8)
    out = np.empty_like(mask)
    change_kernels.dilate(mask, radius, out)
    for y in range(height):
        for x in range(width):
            near = mask[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert out[y, x] == near.any()


def ballot(scene: Scene, shells: np.ndarray, moved: list[np.ndarray], changed: list[np.ndarray]) -> np.ndarray:
    votes = np.zeros((*scene.shape, 3), np.float32)
    for view, (origin, rays), *masks in zip(scene.views, scene.rays, moved, changed, strict=True):
        lists = (view.weight.ravel(), *(mask.ravel() for mask in masks))
        change_kernels.vote(shells, scene.disparities, scene.vector, origin, rays, *lists, votes)
    return votes


def a_patch_before_a_wall(kind: str) -> tuple[Scene, np.ndarray]:
    """A wall at shell 0, and before it at shell 2 an opaque patch; the rest is empty."""
    scene = Scene(window_of(kind, 72, 56, 60.0), np.array([0.2, 0.6, 1.0], F), row_of_views()[:3])
    shells = np.zeros((*scene.shape, 4), np.float32)
    shells[0, ..., 3] = 1
    shells[2, 20:36, 26:46, 3] = 1
    return scene, shells


@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_what_moves_is_elected_and_not_the_wall_behind_it(kind: str) -> None:
    scene, shells = a_patch_before_a_wall(kind)
    patch = np.zeros_like(shells)
    patch[2] = shells[2]
    moved = [(render_view(scene, patch, view)[0][..., 3] > 0).astype(np.uint8) for view in scene.views]
    votes = ballot(scene, shells, moved, [np.ones_like(mask) for mask in moved])
    out = np.empty(scene.shape, np.uint8)
    change_kernels.elect(votes, 1, shells, F(0.95), F(0.75), out)
    assert out[2, 22:34, 28:44].all()
    assert not out[2, :18].any() and not out[2, 38:].any() and not out[2, :, :24].any() and not out[2, :, 48:].any()
    # Behind the patch is only what all cameras see it hide; of the rest, who sees the patch does not know.
    assert out[0].mean() < 0.5 * out[2].mean()
    assert (votes[..., 2] == votes[..., 0]).all() and (votes[..., 1] <= votes[..., 0]).all()


def test_a_vote_weighs_what_light_comes_through() -> None:
    scene, shells = a_patch_before_a_wall("plane")
    shells[2, ..., 3] = 0.75
    nothing = [np.zeros(view.weight.shape, np.uint8) for view in scene.views]
    cast = ballot(scene, shells, nothing, nothing)[..., 0]
    shells[2, ..., 3] = 0
    clear = ballot(scene, shells, nothing, nothing)[..., 0]
    assert np.array_equal(cast[2], clear[2])
    inner = (slice(0, 2), slice(20, 36), slice(20, 52))
    assert clear[inner].min() > 0
    assert cast[inner] / clear[inner] == pytest.approx(0.26 / 1.01, rel=1e-3)


def test_pixels_that_do_not_count_have_no_vote() -> None:
    scene, shells = a_patch_before_a_wall("plane")
    views = tuple(replace(view, weight=np.zeros_like(view.weight)) for view in scene.views)
    blind = Scene(scene.window, scene.disparities, views)
    ones = [np.ones(view.weight.shape, np.uint8) for view in views]
    votes = ballot(blind, shells, ones, ones)
    assert not votes.any()
    out = np.ones(scene.shape, np.uint8)
    change_kernels.elect(votes, 1, shells, F(0.95), F(0.75), out)
    assert not out.any()


@given(
    height=st.integers(1, 6), width=st.integers(1, 6), share=st.sampled_from([0.3, 0.5, 0.95]), seed=st.integers(0, 99)
)
def test_an_election_is_held_among_nine_texels(height: int, width: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = rng.integers(0, 4, (2, height, width, 3)).astype(np.float32)
    votes[..., 0] = votes.max(axis=-1)
    shells = np.zeros((*votes.shape[:3], 4), np.float32)
    shells[1, ..., 3] = 1
    for choice in (1, 2):
        out = np.empty(votes.shape[:3], np.uint8)
        change_kernels.elect(votes, choice, shells, F(share), F(0.5), out)
        for i, y, x in np.ndindex(out.shape):
            around = votes[i, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].sum(axis=(0, 1))
            assert out[i, y, x] == (around[choice] > 0 and around[choice] >= F(0.5 if i else share) * around[0])


@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_pixels_that_see_a_free_texel_are_those_that_feel_its_colour(kind: str) -> None:
    window, disparities = window_of(kind, 72, 56, 60.0), np.array([0.2, 0.6, 1.0], F)
    scene = Scene(window, disparities, row_of_views()[:3])
    free = np.zeros(scene.shape, np.uint8)
    free[1, 20:24, 30:33] = 1
    free[2, 40, 50] = 1
    for view, (origin, rays) in zip(scene.views, scene.rays, strict=True):
        out = np.empty(rays.shape[1], np.uint8)
        change_kernels.sees(free, disparities, scene.vector, origin, rays, out)
        felt = np.zeros(rays.shape[1], np.bool_)
        for shell in (1, 2):
            shells = np.zeros((*scene.shape, 4), np.float32)
            shells[shell, ..., 3] = free[shell]
            felt |= render_view(scene, shells, view)[0][..., 3].ravel() > 1e-4
        assert felt.any() and out[felt].all()
        assert np.mean(out != felt) < 0.01  # just at a texel's edge its weight is 0


@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_a_ray_shows_texels_that_make_up_half_of_what_it_sees(kind: str) -> None:
    scene, shells = a_patch_before_a_wall(kind)
    view, (origin, rays) = scene.views[1], scene.rays[1]
    wall = np.zeros(scene.shape, np.uint8)
    wall[0] = 1
    patch = np.zeros_like(shells)
    patch[2] = shells[2]
    hidden = render_view(scene, patch, view)[0][..., 3]
    whole = render_view(scene, shells, view)[0][..., 3]
    out = np.empty(rays.shape[1], np.uint8)
    for alpha, seen in ((1.0, hidden < 0.4), (0.4, whole > 0.9)):
        shells[2, ..., 3] *= alpha
        change_kernels.shows(wall, shells, scene.disparities, scene.vector, origin, rays, out)
        sure = ((hidden < 0.4) | (hidden > 0.6)) & ((whole > 0.9) | (whole == 0))
        assert np.array_equal(out.reshape(hidden.shape)[sure] != 0, (seen & (whole > 0))[sure])
