"""Costs gathered along paths, against plain numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoder.msi import path_kernels

F = np.float32


def plain_path(costs: np.ndarray, small: float, large: float) -> np.ndarray:
    """(L, N) of costs (L, N) along one path: equation 13 of Hirschmueller 2008."""
    out = costs.astype(np.float64).copy()
    for k in range(1, len(out)):
        before = out[k - 1]
        below, above = np.append(np.inf, before[:-1]), np.append(before[1:], np.inf)
        best = np.minimum(np.minimum(before, before.min() + large), np.minimum(below, above) + small)
        out[k] += best - before.min()
    return out


def plain(costs: np.ndarray, most: float, small: float, large: float) -> np.ndarray:
    """The mean over both ways of rows and of columns."""
    C = np.minimum(costs, most)
    out = np.zeros(C.shape)
    for way in (slice(None), slice(None, None, -1)):
        for y in range(C.shape[1]):
            out[:, y] += plain_path(C[:, y].T[way], small, large)[way].T
        for x in range(C.shape[2]):
            out[:, :, x] += plain_path(C[:, :, x].T[way], small, large)[way].T
    return out / 4


@given(
    count=st.integers(1, 6),
    height=st.integers(1, 7),
    width=st.integers(1, 70),
    large=st.sampled_from([0.05, 0.3]),
    seed=st.integers(0, 1000),
)
def test_both_kernels_gather_the_four_ways(count: int, height: int, width: int, large: float, seed: int) -> None:
    costs = np.random.default_rng(seed).random((count, height, width), np.float32)
    out = np.empty_like(costs)
    path_kernels.gather_rows(costs, F(0.8), F(0.02), F(large), out)
    path_kernels.gather_columns(costs, F(0.8), F(0.02), F(large), out)
    assert np.abs(out - plain(costs, 0.8, 0.02, large)).max() < 1e-4


def test_what_surrounds_a_plain_texel_tells_its_depth() -> None:
    costs = np.full((5, 9, 9), 0.1, np.float32)
    costs[2] = 0.0
    costs[:, 3:6, 3:6] = 0.0
    out = np.empty_like(costs)
    path_kernels.gather_rows(costs, F(1), F(0.02), F(0.05), out)
    path_kernels.gather_columns(costs, F(1), F(0.02), F(0.05), out)
    assert (out.argmin(axis=0) == 2).all()
