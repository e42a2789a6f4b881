"""Colour under transparent texels continues what is seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoder.atlas.dilate import NEUTRAL, dilate_colour, fill_layers
from tests.encoder.layers.layer_scenes import blobs


def reference(rgba: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """Push-pull in plain numpy: padded sums of 2x2, linear upsampling with the border repeated."""
    alpha = rgba[..., 3:].astype(np.float64)
    levels = [np.concatenate([rgba[..., :3] * alpha, alpha], axis=-1)]
    for _ in range(reach):
        fine = levels[-1]
        even = np.pad(fine, ((0, fine.shape[0] % 2), (0, fine.shape[1] % 2), (0, 0)))
        levels.append(even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2])
    top = levels[-1]
    colour = np.full((*top.shape[:2], 3), float(NEUTRAL))
    for y, x in np.ndindex(*top.shape[:2]):
        near = top[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].reshape(-1, 4)
        near = near[near[:, 3] > 0]
        if len(near):
            colour[y, x] = (near[:, :3] / near[:, 3:]).mean(axis=0)
    for k in range(reach, -1, -1):
        height, width = levels[k].shape[:2]
        if k < reach:
            y = (np.arange(height) + 0.5) / 2 - 0.5
            x = (np.arange(width) + 0.5) / 2 - 0.5
            colour = along(along(colour, y, 0), x, 1)
        weight = levels[k][..., 3:]
        colour = np.where(weight > 0, levels[k][..., :3] / np.maximum(weight, 1e-9), colour)
    out = rgba.copy()
    out[..., :3] = np.where(rgba[..., 3:] > 0, rgba[..., :3], np.floor(colour + 0.5))
    return out


def along(values: NDArray[np.float64], position: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    low = np.floor(position).astype(int)
    part = (position - low).reshape([-1 if k == axis else 1 for k in range(3)])
    last = values.shape[axis] - 1
    return values.take(low.clip(0, last), axis) * (1 - part) + values.take((low + 1).clip(0, last), axis) * part


@given(width=st.integers(1, 70), height=st.integers(1, 70), seed=st.integers(0, 99), reach=st.integers(1, 6))
def test_kernel_agrees_with_the_plain_pyramid(width: int, height: int, seed: int, reach: int) -> None:
    rgba, _ = blobs(width=width, height=height, frames=1, seed=seed)
    found = dilate_colour(rgba[0], reach=reach)
    assert np.abs(found.astype(int) - reference(rgba[0], reach)).max() <= 1
    seen = rgba[0, ..., 3] > 0
    assert np.array_equal(found[seen], rgba[0][seen])
    assert np.array_equal(found[..., 3], rgba[0, ..., 3])


def test_one_colour_spreads_and_far_texels_are_neutral() -> None:
    rgba = np.zeros((300, 100, 4), np.uint8)
    rgba[190:200, 40:60] = 200, 100, 50, 255
    out = dilate_colour(rgba)
    assert np.abs(out[180:210, 30:70, :3].astype(int) - [200, 100, 50]).max() <= 1
    assert (out[:90, :, :3] == NEUTRAL).all()


def test_far_texels_do_not_change_with_what_moves() -> None:
    rgba = np.zeros((64, 256, 4), np.uint8)
    rgba[20:40, 10:30] = 200, 100, 50, 255
    moved = rgba.copy()
    moved[20:40, 200:220] = 10, 250, 50, 255
    assert np.array_equal(dilate_colour(rgba)[:, :100], dilate_colour(moved)[:, :100])


def test_a_pyramid_needs_a_level() -> None:
    with pytest.raises(ValueError, match="reach"):
        dilate_colour(np.zeros((4, 4, 4), np.uint8), reach=0)


def test_filled_layers_have_no_hole_and_keep_what_is_seen() -> None:
    layers = blobs(width=56, height=40)[0]
    filled = layers.copy()
    fill_layers(filled)
    assert (filled[0, ..., 3] == 255).all() and np.array_equal(filled[1, ..., 3], layers[1, ..., 3])
    seen = layers[..., 3] > 0
    assert np.array_equal(filled[seen][:, :3], layers[seen][:, :3])
    assert np.array_equal(filled[1], dilate_colour(layers[1]))


def test_where_layers_wrap_colours_come_round_the_edge() -> None:
    layers = np.zeros((1, 32, 96, 4), np.uint8)
    layers[0, 10:20, 4:8] = 200, 100, 50, 255
    layers[0, 10:20, 60:64] = 10, 20, 250, 255
    cut = layers.copy()
    fill_layers(layers, wraps=True)
    fill_layers(cut)
    over = [np.abs(each[0, :, 0].astype(int) - each[0, :, -1]).max() for each in (layers, cut)]
    assert over[0] < 12 < 60 < over[1]
