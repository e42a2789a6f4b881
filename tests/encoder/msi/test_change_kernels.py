"""Which pixels and texels count as changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.msi import change_kernels
from encoder.msi.scene import Scene, render_view
from tests.encoder.msi.shell_scenes import row_of_views, window_of

F = np.float32


def changed(image: np.ndarray, reference: np.ndarray, threshold: float) -> np.ndarray:
    out = np.empty(image.shape[:2], np.uint8)
    change_kernels.changed_pixels(image, reference, F(threshold), out)
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


@given(height=st.integers(1, 10), width=st.integers(1, 10), radius=st.integers(0, 3), seed=st.integers(0, 500))
def test_dilate_reaches_a_square(height: int, width: int, radius: int, seed: int) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < 0.2).astype(np.uint8)
    out = np.empty_like(mask)
    change_kernels.dilate(mask, radius, out)
    for y in range(height):
        for x in range(width):
            near = mask[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert out[y, x] == near.any()


def touched(cameras_that_saw: list[int], *, cameras: int, share: float) -> bool:
    """Whether a texel that `cameras` see, all at their pixel (4, 4), counts."""
    pictures = np.zeros((cameras, 10, 10), np.uint8)
    pictures[cameras_that_saw, 4, 4] = 1
    grids = np.full((cameras, 1, 3, 3, 2), 4.5, np.float32)
    chosen = np.arange(cameras, dtype=np.int32)[None, None]
    out = np.empty((1, 8, 8), np.uint8)
    change_kernels.touched(pictures, grids, 8, chosen, 32, F(share), out)
    assert out.all() or not out.any()
    return bool(out[0, 0, 0])


def test_all_cameras_but_one_may_be_enough() -> None:
    assert touched([0, 1, 2], cameras=4, share=0.85)
    assert not touched([0, 1], cameras=4, share=0.85)
    assert not touched([0], cameras=2, share=0.85)
    assert touched(list(range(7)), cameras=8, share=0.85)
    assert not touched(list(range(13)), cameras=16, share=0.85)


def test_a_share_of_the_cameras_and_two_of_them_must_see_change() -> None:
    assert not touched([], cameras=4, share=0.3)
    assert not touched([1], cameras=2, share=0.3)
    assert touched([0, 1], cameras=2, share=0.3)
    assert touched([0, 3], cameras=6, share=0.3)
    assert not touched([0, 3], cameras=8, share=0.3)
    assert touched([0, 3, 5], cameras=8, share=0.3)
    assert touched([0], cameras=1, share=0.3)


def test_cameras_that_do_not_see_a_texel_do_not_count() -> None:
    pictures = np.ones((2, 10, 10), np.uint8)
    grids = np.full((2, 1, 3, 3, 2), -1e6, np.float32)
    chosen = np.array([[[0, 1]]], np.int32)
    out = np.empty((1, 8, 8), np.uint8)
    change_kernels.touched(pictures, grids, 8, chosen, 32, F(0.3), out)
    assert not out.any()


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
