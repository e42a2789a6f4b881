"""Occupied texels and the rectangles around them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from encoder.layers.occupancy import any_in_cells, dilate, occupied_rects, occupied_texels

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


def cost(rects: NDArray[np.int32], cell: int, gutter: int) -> int:
    return int(((rects[:, 2] * cell + 2 * gutter) * (rects[:, 3] * cell + 2 * gutter)).sum())


@given(cells=masks, gutter=st.sampled_from([0, 4, 8, 32]))
def test_rectangles_are_disjoint_complete_and_cheaper_than_the_obvious(cells: NDArray[np.bool_], gutter: int) -> None:
    rects = occupied_rects(cells, cell=16, gutter=gutter)
    count = np.zeros(cells.shape, int)
    for x, y, w, h in rects:
        assert cells[y : y + h, x : x + w].any()
        count[y : y + h, x : x + w] += 1
    assert count.max(initial=0) <= 1
    assert (count > 0)[cells].all()
    if cells.any():
        rows, columns = np.nonzero(cells)
        whole = np.array([[0, 0, np.ptp(columns) + 1, np.ptp(rows) + 1]])
        assert cost(rects, 16, gutter) <= cost(whole, 16, gutter)
        single = np.concatenate([np.zeros((len(rows), 2), int), np.ones((len(rows), 2), int)], axis=1)
        if gutter == 0:
            assert cost(rects, 16, 0) == cost(single, 16, 0)


@pytest.mark.parametrize(("gutter", "expected"), [(2, 2), (80, 1)])
def test_two_blobs_are_joined_only_where_gutters_cost_more(gutter: int, expected: int) -> None:
    cells = np.zeros((6, 10), bool)
    cells[1:3, 1:4] = True
    cells[4:6, 5:9] = True
    assert len(occupied_rects(cells, cell=16, gutter=gutter)) == expected


def test_a_ring_is_cut_although_the_first_cut_does_not_pay() -> None:
    cells = np.ones((20, 20), bool)
    cells[2:18, 2:18] = False
    rects = occupied_rects(cells, cell=16, gutter=8)
    assert len(rects) == 4
    assert cost(rects, 16, 8) < 0.6 * (20 * 16 + 16) ** 2
