from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.capture.resize import scaled_size, shrink_mask, shrink_picture
from protocol.errors import UsageError

SIZES = st.integers(1, 40)
SCALES = st.fractions(min_value=Fraction(1, 20), max_value=1, max_denominator=30)


def reference(picture: np.ndarray, scale: Fraction) -> np.ndarray:
    """The definition, by a coverage matrix per axis."""
    height, width = picture.shape[:2]
    new_width, new_height = scaled_size(width, height, scale)

    def coverage(size: int, new_size: int) -> np.ndarray:
        matrix = np.zeros((new_size, size))
        for j in range(new_size):
            for k in range(size):
                matrix[j, k] = max(0, min((j + 1) / scale, k + 1) - max(j / scale, k))
        return matrix / matrix.sum(axis=1, keepdims=True)

    rows, columns = coverage(height, new_height), coverage(width, new_width)
    return np.einsum("ih,jw,hwc->ijc", rows, columns, picture.astype(float))


@given(SIZES, SIZES, SCALES, st.integers(0, 2**32 - 1))
def test_is_the_area_average(width: int, height: int, scale: Fraction, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if scale == 1:
        assert shrink_picture(picture, scale) is picture
        return
    assert np.abs(shrink_picture(picture, scale) - reference(picture, scale)).max() <= 0.501


@given(SIZES, SIZES, SCALES, st.tuples(*[st.integers(0, 255)] * 3))
def test_constant_stays_constant(width: int, height: int, scale: Fraction, colour: tuple[int, int, int]) -> None:
    picture = np.broadcast_to(np.array(colour, np.uint8), (height, width, 3))
    assert (shrink_picture(picture, scale) == np.array(colour)).all()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_keeps_the_mean_of_whole_blocks(width: int, height: int, factor: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height * factor, width * factor, 3), dtype=np.uint8)
    small = shrink_picture(picture, Fraction(1, factor))
    assert small.shape == (height, width, 3)
    # Each output pixel rounds by at most half a level.
    assert np.abs(small.mean(axis=(0, 1)) - picture.mean(axis=(0, 1))).max() <= 0.501


def test_a_ramp_keeps_its_place() -> None:
    # The value of a pixel is 2 * its centre, so the value of a small pixel is 4 * its own centre: no half-pixel shift.
    ramp = np.broadcast_to((2 * (np.arange(60) + 0.5)).astype(np.uint8)[None, :, None], (4, 60, 3))
    small = shrink_picture(ramp, 0.5)
    assert np.array_equal(small[0, :, 0], 4 * (np.arange(30) + 0.5))


@given(SIZES, SIZES, SCALES, st.integers(0, 2**32 - 1))
def test_mask_is_valid_only_where_all_is(width: int, height: int, scale: Fraction, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.2
    share = reference(np.repeat(mask[..., None], 3, axis=2), scale)[..., 0]
    assert np.array_equal(shrink_mask(mask, scale), share > 1 - 1e-9)


@pytest.mark.parametrize("scale", [0, -1, 1.5, float("nan")])
def test_refuses_to_enlarge(scale: float) -> None:
    with pytest.raises(UsageError, match="above 0 and up to 1"):
        scaled_size(10, 10, scale)
