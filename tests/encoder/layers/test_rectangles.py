"""Rectangles around occupied cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from encoder.layers.rectangles import occupied_rects

masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20)))


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
