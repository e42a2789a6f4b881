"""Borders of layers: as good as any, and more where more is seen."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.layers.borders import layer_borders


def variance(weights: np.ndarray, disparities: np.ndarray, borders: tuple[int, ...]) -> float:
    total = 0.0
    for first, last in pairwise(borders):
        w, d = weights[first:last], disparities[first:last]
        total += float((w * (d - (w * d).sum() / w.sum()) ** 2).sum())
    return total


@given(count=st.integers(1, 9), layers=st.integers(1, 9), seed=st.integers(0, 1000), floor=st.sampled_from([0.1, 0.5]))
def test_no_other_borders_are_better(count: int, layers: int, seed: int, floor: float) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(count) ** 3
    disparities = np.sort(rng.random(count))
    borders = layer_borders(weights, disparities, layers=layers, floor=floor)
    layers = min(layers, count)
    assert borders.dtype == np.int64 and len(borders) == layers + 1
    assert borders[0] == 0 and borders[-1] == count and (np.diff(borders) > 0).all()
    spread = weights / weights.sum() * (1 - floor) + floor / count
    best = min(variance(spread, disparities, (0, *inner, count)) for inner in combinations(range(1, count), layers - 1))
    assert variance(spread, disparities, tuple(borders)) == pytest.approx(best, abs=1e-12)


@given(count=st.integers(2, 40), seed=st.integers(0, 1000))
def test_more_layers_never_cost_more(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, disparities = rng.random(count), np.linspace(0.1, 2.0, count)
    spread = weights / weights.sum() * 0.8 + 0.2 / count
    costs = [
        variance(spread, disparities, tuple(layer_borders(weights, disparities, layers=layers)))
        for layers in range(1, count + 1)
    ]
    assert (np.diff(costs) <= 1e-12).all() and costs[-1] < 1e-12


def test_equal_weights_give_equal_layers() -> None:
    assert np.array_equal(layer_borders(np.ones(32), np.linspace(0, 1, 32), layers=8), np.arange(0, 33, 4))


def test_layers_gather_where_the_weight_is() -> None:
    weights = np.full(64, 0.01)
    weights[40:48] = 1.0
    borders = layer_borders(weights, np.linspace(0.1, 2.0, 64), layers=8, floor=0.05)
    thin = np.diff(borders).argmin()
    assert borders[thin] >= 40 and borders[thin + 1] <= 48 and np.diff(borders)[thin] <= 4


def test_a_view_without_weight_is_split_evenly() -> None:
    assert np.array_equal(layer_borders(np.zeros(8, np.float32), np.linspace(0, 1, 8), layers=4), [0, 2, 4, 6, 8])
