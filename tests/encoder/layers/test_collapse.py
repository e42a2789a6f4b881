"""From the origin, layers look like the shells that they were made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.layers.collapse import collapse

F = np.float32


def collapsed(
    shells: np.ndarray, disparities: np.ndarray, borders: list[int], *, seen: float = 1.0, least: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    N, H, W, _ = shells.shape
    rgba = np.empty((len(borders) - 1, H, W, 4), np.uint8)
    disparity = np.empty((len(borders) - 1, H, W), np.float32)
    looks = np.full((N, H, W), seen, np.float32)
    collapse(shells, disparities, np.array(borders, np.int64), looks, F(least), rgba, disparity)
    return rgba, disparity


def over(rgba: np.ndarray) -> np.ndarray:
    """(L, H, W, 4) straight, far to near -> (H, W, 4) premultiplied."""
    out = np.zeros(rgba.shape[1:])
    for layer in rgba.astype(np.float64):
        alpha = layer[..., 3:]
        out = out * (1 - alpha) + np.concatenate([layer[..., :3] * alpha, alpha], axis=-1)
    return out


@st.composite
def stacks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[int]]:
    count = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shells = rng.random((count, 5, 7, 4)).astype(np.float32)
    shells[..., 3] *= rng.random((count, 5, 7)) < draw(st.sampled_from([0.2, 0.6, 1.0]))
    shells[rng.random((count, 5, 7)) < 0.1, 3] = 1.0
    shells[0, ..., 3] = 1.0
    cuts = sorted(draw(st.sets(st.integers(1, count - 1), max_size=count - 1))) if count > 1 else []
    return shells, np.sort(rng.uniform(0.1, 3.0, count)).astype(np.float32), [0, *cuts, count]


@settings(max_examples=100)
@given(stack=stacks())
def test_the_origin_sees_no_difference(stack: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    shells, disparities, borders = stack
    rgba, _ = collapsed(shells, disparities, borders)
    # A rounding of colour and one of alpha for each layer, and alphas under 0.002 that are left out.
    layers = len(borders) - 1
    assert np.abs(over(rgba / 255.0) - over(shells)).max() <= layers * (1.0 / 255.0 + 0.002) + 0.5 / 255.0


@settings(max_examples=100)
@given(stack=stacks())
def test_disparity_is_the_mean_of_what_is_seen_and_within_the_layer(
    stack: tuple[np.ndarray, np.ndarray, list[int]],
) -> None:
    shells, disparities, borders = stack
    _, disparity = collapsed(shells, disparities, borders)
    for layer, (first, last) in enumerate(pairwise(borders)):
        group, d = shells[first:last, ..., 3].astype(np.float64), disparities[first:last].astype(np.float64)
        front = np.cumprod(1 - group[::-1], axis=0)[::-1]
        weights = group * np.concatenate([front[1:], np.ones_like(front[:1])])
        alpha = weights.sum(axis=0)
        assert disparity[layer].min() >= d[0] - 1e-5 and disparity[layer].max() <= d[-1] + 1e-5
        mean = (weights * d[:, None, None]).sum(axis=0)[alpha > 0.01] / alpha[alpha > 0.01]
        assert np.allclose(disparity[layer][alpha > 0.01], mean, atol=2e-3)
        assert np.allclose(disparity[layer][alpha == 0], 0.5 * (d[0] + d[-1]), atol=1e-5)


def test_what_nobody_sees_is_dropped() -> None:
    shells = np.zeros((3, 1, 2, 4), np.float32)
    shells[...] = (0.2, 0.4, 0.6, 1.0)  # the nearest shell hides the others from the origin
    disparities, borders = np.array([0.1, 0.5, 1.0], np.float32), [0, 1, 2, 3]
    kept, _ = collapsed(shells, disparities, borders, seen=0.1, least=0.05)
    assert (kept[..., 3] == 255).all() and np.array_equal(kept[0, 0, 0], [51, 102, 153, 255])
    dropped, _ = collapsed(shells, disparities, borders, seen=0.01, least=0.05)
    assert (dropped[2, ..., 3] == 255).all() and not dropped[:2].any()
