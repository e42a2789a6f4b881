"""Coarse layers at full resolution: nothing moves, nothing bleeds."""

from __future__ import annotations

import numpy as np

from encoder.layers.enlarge import enlarge, quantise, spread_disparity


def test_a_plane_of_colour_and_disparity_stays_where_it_is() -> None:
    ys, xs = np.mgrid[0:20, 0:30].astype(np.float64)
    rgba = np.full((2, 20, 30, 4), 255, np.uint8)
    rgba[..., 0] = np.round(4 * xs + 2 * ys)
    disparity = np.repeat((0.1 + 0.01 * xs + 0.02 * ys)[None], 2, axis=0).astype(np.float32)
    layers, field = np.empty((2, 39, 60, 4), np.float32), np.empty((2, 39, 60), np.float32)
    enlarge(rgba, disparity, 2, layers, field)
    fine_y, fine_x = np.mgrid[0:39, 0:60]
    x, y = (fine_x + 0.5) / 2 - 0.5, (fine_y + 0.5) / 2 - 0.5  # texel centres in coarse texels
    inner = (slice(1, -1), slice(1, -1))
    assert np.allclose(field[0][inner], (0.1 + 0.01 * x + 0.02 * y)[inner], atol=1e-5)
    assert np.allclose(layers[1, ..., 0][inner] * 255, (4 * x + 2 * y)[inner], atol=1e-3)
    assert np.allclose(layers[..., 3], 1.0)


def test_empty_texels_do_not_bleed_into_colour_and_disparity() -> None:
    rgba = np.zeros((1, 8, 8, 4), np.uint8)
    rgba[0, :, 4:] = (200, 100, 50, 255)
    disparity = np.full((1, 8, 8), 9.0, np.float32)
    disparity[0, :, 4:] = 0.5
    layers, field = np.empty((1, 16, 16, 4), np.float32), np.empty((1, 16, 16), np.float32)
    enlarge(rgba, disparity, 2, layers, field)
    edge = layers[0, 5, 7]  # a quarter of it lies on the surface
    assert abs(edge[3] - 0.25) < 1e-6
    assert np.allclose(edge[:3] * 255, (200, 100, 50), rtol=0.05)
    assert field[0, 5, 7] < 1.0


def test_disparity_spreads_round_by_round_and_no_farther() -> None:
    rgba = np.zeros((1, 9, 15, 4), np.uint8)
    rgba[0, :, 7, 3] = 255
    disparity = np.zeros((1, 9, 15), np.float32)
    disparity[0, :, 7] = 0.8
    spread_disparity(disparity, rgba, 3)
    assert np.allclose(disparity[0, :, 4:11], 0.8)
    assert not disparity[0, :, :4].any() and not disparity[0, :, 11:].any()


def test_bytes_are_the_nearest() -> None:
    layers = np.linspace(0, 1, 4 * 256, dtype=np.float32).reshape(1, 16, 16, 4)
    rgba = np.empty((1, 16, 16, 4), np.uint8)
    quantise(layers, rgba)
    assert np.abs(rgba - layers * 255).max() <= 0.5 + 1e-3
