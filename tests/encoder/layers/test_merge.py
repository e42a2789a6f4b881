"""Two layers become one: as if their shells had been collapsed together; the cheapest two are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.layers.layer_images import LayerImages
from encoder.layers.merge import merge_layers
from encoder.layers.merge_choice import BLOCK, blocks_of, cheapest_pair
from protocol.projection import Projection

SIDE = 4 * BLOCK
PLANE = Projection("plane", SIDE, SIDE, left=-0.5, top=0.5, density=SIDE)


def random_layers(seed: int, *, count: int = 3, frames: int = 2, side: int = 12) -> LayerImages:
    """Texels of all alphas, each of 0 and 255 among them."""
    rng = np.random.default_rng(seed)
    rgba = rng.integers(0, 256, (frames, count, side, side, 4), np.uint8)
    rgba[..., 3] = rng.choice(np.array([0, 0, 1, 100, 254, 255, 255], np.uint8), rgba.shape[:-1])
    return LayerImages(rgba, rng.uniform(0, 1, rgba.shape[:-1]).astype(np.float32))


def composited(rgba: np.ndarray) -> np.ndarray:
    """(L, H, W, 4) uint8 straight -> (H, W, 4) premultiplied over, 0..1."""
    out = np.zeros(rgba.shape[1:])
    for layer in rgba / 255.0:
        alpha = layer[..., 3:]
        out = np.concatenate([layer[..., :3] * alpha, alpha], -1) + (1 - alpha) * out
    return out


@given(st.integers(0, 2**32 - 1), st.integers(0, 1))
def test_what_is_seen_from_the_origin_stays(seed: int, far: int) -> None:
    layers = random_layers(seed)
    before = [composited(rgba) for rgba in layers.rgba]
    merge_layers(layers, far, far + 1)
    assert not layers.rgba[:, far + 1].any()
    for rgba, expected in zip(layers.rgba, before, strict=True):
        # Alpha and colour are rounded once more.
        assert np.abs(composited(rgba) - expected).max() < 2 / 255


def test_disparities_are_weighted_by_what_is_seen() -> None:
    layers = random_layers(5)
    front, behind = (layers.rgba[:, layer, ..., 3] / 255.0 for layer in (2, 1))
    weights = front, (1 - front) * behind
    near, far = layers.disparity[:, 2].copy(), layers.disparity[:, 1].copy()
    merge_layers(layers, 1, 2)
    total = weights[0] + weights[1]
    mean = (weights[0] * near + weights[1] * far) / np.maximum(total, 1e-9)
    assert layers.disparity[:, 1][total > 0] == pytest.approx(mean[total > 0], rel=1e-5)
    assert np.array_equal(layers.disparity[:, 1][front == 0], far[front == 0])


def slabs(*disparities: float, overlap: int = SIDE) -> LayerImages:
    """Half transparent layers at these disparities, the first opaque; the others cover `overlap` columns."""
    rgba = np.full((1, len(disparities), SIDE, SIDE, 4), 128, np.uint8)
    rgba[:, 0, ..., 3] = 255
    rgba[:, 1:, :, overlap:, 3] = 0
    disparity = np.empty(rgba.shape[:-1], np.float32)
    disparity[:] = np.array(disparities)[:, None, None]
    return LayerImages(rgba, disparity)


def test_neighbours_in_depth_are_the_cheapest() -> None:
    assert cheapest_pair(blocks_of(slabs(0.1, 0.3, 0.35, 0.6), PLANE, threshold=4)) == (1, 2)
    assert cheapest_pair(blocks_of(slabs(0.1, 0.3, 0.35, 0.36), PLANE, threshold=4)) == (2, 3)


def test_loss_counts_by_the_area_that_is_saved() -> None:
    """The far two are nearer to each other, yet share one column of blocks; the others share all."""
    layers = slabs(0.1, 0.2, 0.5)
    layers.rgba[0, 1, :, BLOCK:, 3] = 0
    layers.rgba[0, 2, :, : 2 * BLOCK, 3] = 0
    layers.rgba[0, 2, :, 2 * BLOCK :, 3] = 1
    blocks = blocks_of(layers, PLANE, threshold=4)
    assert cheapest_pair(blocks) == (0, 1)
    assert not blocks.occupied[2].any()  # too faint to be meshed
    seen = blocks_of(layers, PLANE, threshold=1)
    assert seen.occupied[2].sum() == 8 and cheapest_pair(seen) in ((0, 1), (1, 2))


def test_layers_apart_save_nothing() -> None:
    layers = slabs(0.1, 0.2)
    layers.rgba[0, 0, :, : SIDE // 2, 3] = 0
    layers.rgba[0, 1, :, SIDE // 2 :, 3] = 0
    assert cheapest_pair(blocks_of(layers, PLANE, threshold=4)) is None
    assert cheapest_pair(blocks_of(slabs(0.2), PLANE, threshold=4)) is None


def test_empty_layers_are_stepped_over() -> None:
    layers = slabs(0.1, 0.3, 0.4)
    layers.rgba[0, 1] = 0
    assert cheapest_pair(blocks_of(layers, PLANE, threshold=4)) == (0, 2)


def test_blocks_of_a_sphere_shrink_to_the_poles() -> None:
    sphere = replace(PLANE, kind="sphere", top=float(np.pi / 2), density=SIDE / np.pi)
    area = blocks_of(slabs(0.2), sphere, threshold=4).area[:, 0]
    assert area == pytest.approx(np.cos(np.pi / 2 - np.pi * (np.arange(4) + 0.5) / 4))
    assert blocks_of(slabs(0.2), PLANE, threshold=4).area == pytest.approx(np.ones((4, 1)))


def test_shares_of_the_view_add_up_to_the_blocks_texels() -> None:
    blocks = blocks_of(slabs(0.1, 0.3, 0.6), PLANE, threshold=4)
    assert blocks.weight.sum(axis=0) == pytest.approx(np.full((4, 4), BLOCK**2))
    assert blocks.disparity[1] == pytest.approx(np.full((4, 4), 0.3))
