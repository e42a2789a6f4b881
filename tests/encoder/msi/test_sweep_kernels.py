"""The sweep's kernels against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.msi import sweep_kernels
from encoder.msi.sweep import visible_histogram
from encoder.msi.views import Floats

F = np.float32
UNSEEN = 0.02


def everywhere(count: int, height: int, width: int) -> np.ndarray:
    """All texels are looked at."""
    return np.ones((count, height, width), np.uint8)


def visible(shells: Floats) -> np.ndarray:
    """(N, H, W) weights from the origin."""
    alpha = shells[..., 3].astype(np.float64)
    front = np.cumprod(1 - alpha[::-1], axis=0)[::-1]
    return np.asarray(alpha * np.concatenate([front[1:], np.ones_like(front[:1])]))


def bilinear(image: Floats, u: float, v: float) -> np.ndarray:
    x, y = int(np.floor(u)), int(np.floor(v))
    fx, fy = u - x, v - y
    return np.asarray(
        (image[y, x] * (1 - fx) + image[y, x + 1] * fx) * (1 - fy)
        + (image[y + 1, x] * (1 - fx) + image[y + 1, x + 1] * fx) * fy
    )


def plain_consistency(
    images: Floats, grid: Floats, chosen: list[int], disparity: float, depths: Floats, softness: float
) -> tuple[np.ndarray, float]:
    """Mean colour and cost of one texel; grid (C, 2) holds its pixel in every camera."""
    total, mean, square = 0.0, np.zeros(3), 0.0
    for c in chosen:
        u, v = grid[c] - 0.5
        if c < 0 or not (0 <= u < images.shape[2] - 1 and 0 <= v < images.shape[1] - 1):
            continue
        sample = bilinear(images[c], u, v)
        if sample[3] < 0.99:
            continue
        weight, seen = 1.0, depths[c, int(v + 0.5), int(u + 0.5)]
        if seen >= 0:
            weight = 1 / (1 + np.exp(4 * ((seen - disparity) / softness - 1)))
        weight += 1e-4
        total, mean, square = total + weight, mean + weight * sample[:3], square + weight * (sample[:3] ** 2).sum()
    if total == 0:
        return mean, UNSEEN
    mean /= total
    spread = max(square / total - (mean**2).sum(), 0.0)
    return mean, spread * total / max(total - 1, 0.1) if total > 1.1 else UNSEEN


@pytest.mark.parametrize("hidden", [False, True])
def test_consistency_is_mean_and_spread_of_the_cameras(hidden: bool) -> None:
    rng = np.random.default_rng(0)
    cameras, count, height, width, stride, block = 4, 3, 20, 28, 8, 16
    images = rng.random((cameras, 30, 40, 4), np.float32)
    images[..., 3] = 1.0
    images[1, :, 25:, 3] = 0.0
    depths = np.full(images.shape[:3], -1, np.float32)
    if hidden:
        depths[:3] = rng.uniform(0, 1, (3, 30, 40))
    # Affine grids: between their points, bilinear is exact.
    ys, xs = np.mgrid[0:5, 0:6] * float(stride)
    grids = np.empty((cameras, count, 5, 6, 2), np.float32)
    for c in range(cameras):
        for i in range(count):
            grids[c, i] = np.stack([xs * 1.1 + 2 * c - 3 * i, ys * 1.2 - c + i + 0.3], axis=-1)
    chosen = rng.permuted(np.tile(np.array([0, 1, 2, 3, -1], np.int32), (2, 2, 1)), axis=2)[..., :4]
    disparities = np.array([0.1, 0.5, 0.9], np.float32)
    out = np.zeros((count, height, width, 4), np.float32)
    costs = np.empty((count, height, width), np.float32)
    free = everywhere(count, height, width)
    free[1, 8:16, 16:24] = 0
    costs[1, 8:16, 16:24] = -7.0
    sweep_kernels.consistency(
        images,
        grids,
        stride,
        np.ascontiguousarray(chosen),
        block,
        disparities,
        depths,
        F(0.2),
        F(UNSEEN),
        free,
        out,
        costs,
    )
    assert (costs[1, 8:16, 16:24] == -7.0).all() and not out[1, 8:16, 16:24].any()
    for i in range(count):
        for y in range(0, height, 3):
            for x in range(0, width, 3):
                if not free[i, y, x]:
                    continue
                pixel = np.stack(
                    [[(x + 0.5) * 1.1 + 2 * c - 3 * i, (y + 0.5) * 1.2 - c + i + 0.3] for c in range(cameras)]
                )
                who = [int(c) for c in chosen[y // block, x // block] if c >= 0]
                mean, cost = plain_consistency(images, pixel, who, float(disparities[i]), depths, 0.2)
                assert np.abs(out[i, y, x, :3] - mean).max() < 2e-4
                assert abs(costs[i, y, x] - cost) < 2e-3 * max(cost, 0.1)


@given(height=st.integers(1, 9), width=st.integers(1, 9), radius=st.integers(0, 4), seed=st.integers(0, 1000))
def test_box_blur_is_the_mean_of_what_the_box_holds(height: int, width: int, radius: int, seed: int) -> None:
    source = np.random.default_rng(seed).random((2, height, width), np.float32)
    scratch, out = np.empty_like(source), np.empty_like(source)
    sweep_kernels.box_blur(source, radius, scratch, out)
    for y in range(height):
        for x in range(width):
            box = source[:, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert np.allclose(out[:, y, x], box.mean(axis=(1, 2)), atol=1e-5)


@given(seed=st.integers(0, 1000), temperature=st.sampled_from([0.001, 0.01, 0.3]))
def test_alphas_show_the_softmax_of_the_costs_from_the_origin(seed: int, temperature: float) -> None:
    costs = np.random.default_rng(seed).random((5, 3, 4), np.float32)
    shells = np.zeros((5, 3, 4, 4), np.float32)
    sweep_kernels.costs_to_alpha(costs, F(temperature), everywhere(5, 3, 4), shells)
    alpha = shells[..., 3]
    assert np.all(alpha[0] == 1) and alpha.min() >= 0 and alpha.max() <= 1
    weights = visible(shells)
    softmax = np.exp((costs.min(axis=0) - costs.astype(np.float64)) / temperature)
    assert np.abs(weights - softmax / softmax.sum(axis=0)).max() < 1e-5


def test_alphas_of_texels_that_are_not_looked_at_stay() -> None:
    shells = np.full((2, 16, 8, 4), 0.4, np.float32)
    free = everywhere(2, 16, 8)
    free[:, 8:] = 0
    sweep_kernels.costs_to_alpha(np.zeros((2, 16, 8), np.float32), F(0.1), free, shells)
    assert np.allclose(shells[:, 8:, :, 3], 0.4) and np.allclose(shells[1, :8, :, 3], 0.5)


@given(seed=st.integers(0, 1000))
def test_open_texels_take_their_weights_from_what_plain_costs_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, plain = rng.random((2, 6, 4, 5), np.float32)
    temperature, plain_temperature, few, many = 0.3, 0.1, 2.0, 4.0
    shells = np.zeros((6, 4, 5, 4), np.float32)
    sweep_kernels.costs_to_alpha(own, F(temperature), everywhere(6, 4, 5), shells)
    temperatures, bounds = (F(temperature), F(plain_temperature)), (F(few), F(many))
    unsure = np.array([[0, 0, 1], [0, 0, 0]], np.uint8)  # of blocks of 2x2 texels
    sweep_kernels.settle_open(own, plain, temperatures, bounds, unsure, 2, everywhere(6, 4, 5), shells)
    softmax = [
        np.exp(-costs.astype(np.float64) / t) / np.exp(-costs.astype(np.float64) / t).sum(axis=0)
        for costs, t in ((own, temperature), (plain, plain_temperature))
    ]
    share = np.clip((1 / (softmax[0] ** 2).sum(axis=0) - few) / (many - few), 0, 1)
    share[:2, 4] = 1
    assert np.abs(visible(shells) - (softmax[0] + share * (softmax[1] - softmax[0]))).max() < 1e-5
    assert np.all(shells[0, ..., 3] == 1)


def test_what_plain_costs_say_leaves_texels_alone_that_are_not_looked_at() -> None:
    shells, free = np.full((4, 3, 2, 4), 0.4, np.float32), everywhere(4, 3, 2)
    free[:, 1] = 0
    own, plain = (
        np.zeros((4, 3, 2), np.float32),
        np.arange(4, dtype=np.float32)[:, None, None] + np.zeros((4, 3, 2), np.float32),
    )
    sweep_kernels.settle_open(own, plain, (F(1), F(0.01)), (F(1), F(2)), np.zeros((1, 1), np.uint8), 16, free, shells)
    assert np.all(shells[:, 1, :, 3] == F(0.4))
    assert np.allclose(visible(shells)[0, [0, 2]], 1)  # told by the plain costs that it is the farthest


def test_histogram_is_what_the_origin_sees() -> None:
    shells = np.zeros((3, 2, 2, 4), np.float32)
    shells[0, ..., 3], shells[1, ..., 3], shells[2, 0, 0, 3] = 1.0, 0.5, 1.0
    assert np.allclose(visible_histogram(shells), [3 / 8, 3 / 8, 1 / 4])
