"""Occupied texels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from encoder.layers.occupancy import any_in_cells, dilate, occupied_texels

masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20)))


@given(mask=masks, wraps=st.booleans())
def test_dilation_reaches_the_eight_neighbours(mask: NDArray[np.bool_], wraps: bool) -> None:
    expected = np.zeros_like(mask)
    height, width = mask.shape
    for y, x in np.argwhere(mask):
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(x - 1, x + 2):
                if wraps or 0 <= u < width:
                    expected[v, u % width] = True
    assert np.array_equal(dilate(mask, wraps=wraps), expected)


@given(mask=masks, size=st.sampled_from([1, 2, 4, 8]))
def test_cells_hold_what_their_texels_hold(mask: NDArray[np.bool_], size: int) -> None:
    cells = any_in_cells(mask, size=size)
    assert cells.shape == (-(-mask.shape[0] // size), -(-mask.shape[1] // size))
    for j, i in np.ndindex(*cells.shape):
        assert cells[j, i] == mask[j * size : (j + 1) * size, i * size : (i + 1) * size].any()


def test_texels_count_in_any_frame_from_the_threshold_on() -> None:
    rgba = np.zeros((2, 9, 9, 4), np.uint8)
    rgba[0, 2, 2, 3] = 4
    rgba[1, 6, 6, 3] = 255
    rgba[1, 2, 7, 3] = 3
    seen = occupied_texels(rgba, threshold=4, wraps=False)
    expected = np.zeros((9, 9), bool)
    expected[1:4, 1:4] = True
    expected[5:8, 5:8] = True
    assert np.array_equal(seen, expected)
