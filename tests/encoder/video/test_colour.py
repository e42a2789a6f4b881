from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.video.colour import write_alpha, write_colour

KR, KG, KB = 0.2126, 0.7152, 0.0722


def exact_planes(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The definition in float64: luma of each pixel, chroma of the mean of 2x2, neither rounded."""

    def planes(colour: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        red, green, blue = np.moveaxis(colour / 255.0, -1, 0)
        luma = KR * red + KG * green + KB * blue
        return 16 + 219 * luma, 128 + 112 * (blue - luma) / (1 - KB), 128 + 112 * (red - luma) / (1 - KR)

    height, width = rgb.shape[:2]
    means = rgb.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    return planes(rgb)[0], *planes(means)[1:]


def rgb_of(luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    """The exact inverse, in float64, for planes of one size."""
    y, u, v = (luma - 16.0) / 219, (cb - 128.0) / 112, (cr - 128.0) / 112
    red, blue = y + v * (1 - KR), y + u * (1 - KB)
    return 255 * np.stack([red, (y - KR * red - KB * blue) / KG, blue], axis=-1)


def converted(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = rgb.shape[:2]
    planes = (
        np.empty((height, width), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
    )
    write_colour(rgb, *planes)
    return planes


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_is_bt709_to_half_a_step(rows: int, columns: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (2 * rows, 2 * columns, 3), dtype=np.uint8)
    for plane, exact in zip(converted(rgb), exact_planes(rgb), strict=True):
        assert np.abs(plane - exact).max() <= 0.5001


def test_every_constant_colour_comes_back() -> None:
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    blocks = np.repeat(np.repeat(colours[None], 2, axis=0), 2, axis=1)
    luma, cb, cr = converted(blocks)
    back = rgb_of(luma[0, ::2], cb[0], cr[0])
    error = np.abs(np.clip(back, 0, 255).round() - colours)
    # Half a step of luma is 0.58 levels, half a step of chroma up to 1.06 in blue: 8 limited bits cannot do better.
    assert error.max() <= 2
    assert (error <= 1).mean() > 0.95
    grays = colours[:, 0] == colours[:, 1]
    grays &= colours[:, 1] == colours[:, 2]
    assert error[grays].max() <= 1


def test_the_ends_of_the_range() -> None:
    rgb = np.zeros((2, 4, 3), np.uint8)
    rgb[:, 2:] = 255
    luma, cb, cr = converted(rgb)
    assert luma.tolist() == [[16, 16, 235, 235]] * 2
    assert cb.tolist() == cr.tolist() == [[128, 128]]


def test_alpha_is_luma_alone() -> None:
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16)
    luma, cb, cr = np.empty((16, 16), np.uint8), np.empty((8, 8), np.uint8), np.empty((8, 8), np.uint8)
    write_alpha(alpha, luma, cb, cr)
    assert np.abs(luma - (16 + 219.0 * alpha / 255)).max() <= 0.5001
    assert luma[0, 0] == 16
    assert luma[-1, -1] == 235
    assert (cb == 128).all()
    assert (cr == 128).all()


def test_writes_a_region_and_nothing_else() -> None:
    luma, cb, cr = np.zeros((8, 12), np.uint8), np.zeros((4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    rgb = np.full((4, 6, 3), 255, np.uint8)[:, ::-1]
    write_colour(rgb, luma[2:6, 4:10], cb[1:3, 2:5], cr[1:3, 2:5])
    assert (luma[2:6, 4:10] == 235).all()
    assert luma.sum() == 235 * 24
    assert cb.sum() == 128 * 6


def test_odd_or_unequal_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="does not go into planes"):
        write_colour(np.zeros((3, 4, 3), np.uint8), *converted(np.zeros((2, 4, 3), np.uint8)))
