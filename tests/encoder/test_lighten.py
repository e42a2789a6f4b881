"""Too much to blend becomes less, the least loss first, and no less than it has to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.cost.eyes import Eyes, eyes_of
from encoder.layers.layer_images import LayerImages
from encoder.lighten import lighten, merge_next
from protocol.budget import HEADSET
from protocol.projection import Projection

# As wide as an eye's view, so that a full layer is a screen.
GRID = Projection("plane", 128, 128, left=-1.25, top=1.25, density=51.2)
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return eyes_of(GRID, comfort_min=np.array([-0.1, -0.1, -0.1]), comfort_max=np.array([0.1, 0.1, 0.1]))


def stack(*alphas: int) -> LayerImages:
    """Full layers of these alphas, 0.1 apart in disparity; colours by layer."""
    rgba = np.zeros((1, len(alphas), GRID.height, GRID.width, 4), np.uint8)
    rgba[..., 3] = np.array(alphas)[:, None, None]
    rgba[..., :3] = (20 * np.arange(len(alphas)))[:, None, None, None]
    disparity = np.zeros(rgba.shape[:-1], np.float32)
    disparity[:] = (0.1 * np.arange(1, 1 + len(alphas)))[:, None, None]
    return LayerImages(rgba, disparity)


def layers_left(layers: LayerImages) -> int:
    return sum(bool(layers.rgba[0, layer, ..., 3].any()) for layer in range(layers.rgba.shape[1]))


def test_what_fits_is_left_alone(eyes: Eyes) -> None:
    layers = stack(255, 128, 10)
    before = layers.rgba.copy()
    assert lighten(layers, GRID, eyes, HEADSET, tolerance=TOLERANCE, faintest=4) == 4
    assert np.array_equal(layers.rgba, before)


def test_faint_texels_go_first(eyes: Eyes) -> None:
    layers = stack(255, 10, 128, 128, 10, 10)
    assert lighten(layers, GRID, eyes, HEADSET, tolerance=TOLERANCE, faintest=4) == 32
    assert layers_left(layers) == 6  # they are still there, but nobody meshes them


@pytest.mark.parametrize("most", [2, 3, 4])
def test_then_layers_are_merged_until_it_fits(most: int, eyes: Eyes) -> None:
    layers = stack(255, 128, 128, 128, 128, 128)
    budget = replace(HEADSET, coverage_mean=most + 0.5)
    assert lighten(layers, GRID, eyes, budget, tolerance=TOLERANCE, faintest=4) == 32
    assert layers_left(layers) == most
    assert (layers.rgba[0, 0, ..., 3] == 255).all()


def test_merged_colours_go_on_under_transparent_texels() -> None:
    layers = stack(0, 255, 255)
    layers.rgba[0, :, :, 64:] = 0
    assert merge_next(layers, GRID, threshold=4) == (1, 2)
    beside = layers.rgba[0, 1, :, 64:68]
    assert (abs(beside[..., :3].astype(int) - 40) <= 1).all() and not beside[..., 3].any()
    assert merge_next(layers, GRID, threshold=4) is None
