"""Which shells become one layer: borders chosen from the content, by weighted quantisation of disparity (DESIGN 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def layer_borders(
    weights: NDArray[np.floating[Any]], disparities: NDArray[np.floating[Any]], *, layers: int, floor: float = 0.2
) -> NDArray[np.int64]:
    """Splits shells into consecutive groups of least weighted variance of disparity (exact: dynamic programming).

    Args:
        weights: (N,) share of the view that each shell makes up.
        disparities: (N,) 1/metre, increasing.
        layers: groups wanted; at most N.
        floor: share of the weight that is spread evenly over all shells, so that small things get layers too.

    Returns:
        (layers + 1,) indices from 0 to N: layer l is made of shells borders[l] to borders[l + 1] - 1.
    """
    N = len(disparities)
    layers = min(layers, N)
    total = float(weights.sum())
    w = np.asarray(weights, np.float64) / (total if total > 0 else 1.0) * (1.0 - floor) + floor / N
    d = np.asarray(disparities, np.float64)
    sums = np.concatenate([np.zeros((3, 1)), np.cumsum([w, w * d, w * d * d], axis=1)], axis=1)
    first, last = np.meshgrid(np.arange(N + 1), np.arange(N + 1), indexing="ij")
    m0, m1, m2 = (row[last] - row[first] for row in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = np.where(last > first, np.maximum(m2 - m1 * m1 / m0, 0.0), np.inf)
    best = cost[0].copy()
    choices = []
    for _ in range(layers - 1):
        candidates = best[:, None] + cost
        choices.append(np.argmin(candidates, axis=0))
        best = candidates.min(axis=0)
    borders = [N]
    for choice in reversed(choices):
        borders.append(int(choice[borders[-1]]))
    return np.array([*reversed([*borders, 0])] if borders[-1] != 0 else [*reversed(borders)], np.int64)
