"""The kernels of the disparity fits against plain references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoder.layers import tessellate_fit as fit
from tests.encoder.layers.layer_scenes import blobs


def reference_blocks(rgba: NDArray[np.uint8], disparity: NDArray[np.float32]) -> NDArray[np.float64]:
    height, width = disparity.shape
    out = np.zeros((-(-height // 2), -(-width // 2), 4))
    for by, bx in np.ndindex(*out.shape[:2]):
        a = rgba[2 * by : 2 * by + 2, 2 * bx : 2 * bx + 2, 3] / 255.0
        d = disparity[2 * by : 2 * by + 2, 2 * bx : 2 * bx + 2]
        y, x = np.mgrid[0 : a.shape[0], 0 : a.shape[1]] + 0.5
        a = np.where(np.isfinite(d), a, 0)
        if a.sum() > 0:
            d = np.nan_to_num(d)
            total = a.sum()
            out[by, bx] = total, (a * d).sum() / total, 2 * bx + (a * x).sum() / total, 2 * by + (a * y).sum() / total
    return out


def blocks_of(rgba: NDArray[np.uint8], disparity: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = disparity.shape
    blocks = np.zeros((-(-height // 2), -(-width // 2), 4), np.float32)
    fit.reduce_blocks(rgba, disparity, np.ones((-(-height // 8), -(-width // 8)), bool), 8, blocks)
    return blocks


@given(width=st.integers(3, 40), height=st.integers(3, 40), seed=st.integers(0, 99))
def test_blocks_are_alpha_weighted_means(width: int, height: int, seed: int) -> None:
    rgba, disparity = blobs(width=width, height=height, frames=1, seed=seed, noise=0.1)
    disparity[0, 0, 0] = np.nan
    assert blocks_of(rgba[0], disparity[0]) == pytest.approx(reference_blocks(rgba[0], disparity[0]), abs=1e-5)


@given(
    seed=st.integers(0, 99),
    x=st.integers(0, 20),
    y=st.integers(0, 15),
    half=st.sampled_from([2, 4, 8, 16]),
    wraps=st.booleans(),
)
def test_fit_is_a_regularised_weighted_plane(seed: int, x: int, y: int, half: int, wraps: bool) -> None:
    px, py, width, height = 2 * x, 2 * y, 40, 30
    rgba, disparity = blobs(width=width, height=height, frames=1, seed=seed, noise=0.1)
    blocks = blocks_of(rgba[0], disparity[0])
    weight, value = fit.fit_window(blocks, px, py, half, width, wraps)

    samples = []
    for row, column in np.ndindex(*blocks.shape[:2]):
        for turn in (-1, 0, 1) if wraps else (0,):
            centre_x, centre_y = 2 * column + 1 + turn * width, 2 * row + 1
            if abs(centre_x - px) < half and abs(centre_y - py) < half and blocks[row, column, 0] > 0:
                w, d, cx, cy = blocks[row, column].astype(float)
                samples.append((w, d, cx + turn * width - px, cy - py))
    if not samples:
        assert weight == 0
        return
    w, d, dx, dy = np.array(samples).T
    assert weight == pytest.approx(w.sum())
    total, mx, my, md = w.sum(), w @ dx / w.sum(), w @ dy / w.sum(), w @ d / w.sum()
    ridge = np.sqrt(0.05 * total)
    system = np.vstack([np.sqrt(w)[:, None] * np.stack([dx - mx, dy - my], 1), ridge * np.eye(2)])
    slope = np.linalg.lstsq(system, np.concatenate([np.sqrt(w) * (d - md), [0, 0]]), rcond=None)[0]
    expected = np.clip(md - slope @ [mx, my], 2 * d.min() - d.max(), 2 * d.max() - d.min())
    assert value == pytest.approx(expected, abs=1e-5)


def test_a_point_without_support_asks_a_larger_window() -> None:
    blocks = np.zeros((32, 32, 4), np.float32)
    assert np.isnan(fit.fit_point(blocks, 32, 32, 4, 16, 64, False))
    blocks[10, 10] = 4.0, 0.7, 21.0, 21.0
    assert np.isnan(fit.fit_point(blocks, 32, 32, 4, 8, 64, False))
    assert fit.fit_point(blocks, 32, 32, 4, 16, 64, False) == pytest.approx(0.7)


@given(seed=st.integers(0, 99), size=st.sampled_from([4, 8, 16]))
def test_cell_errors_are_those_of_their_two_triangles(seed: int, size: int) -> None:
    """The closed form per diagonal agrees with the errors of explicit triangles."""
    rgba, disparity = blobs(width=size, height=size, frames=1, seed=seed, noise=0.1, count=6)
    blocks = blocks_of(rgba[0], disparity[0])
    corners = np.random.default_rng(seed).uniform(0, 1, (2, 2)).astype(np.float32)
    errors = np.zeros((2, 1, 1), np.float32)
    fit.cell_errors(blocks, np.ones((1, 1), bool), size, size, size, corners, 1.0, errors)
    points = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.int32)
    for diagonal, triangles in enumerate(([[0, 1, 3], [0, 3, 2]], [[1, 3, 2], [1, 2, 0]])):
        found = np.zeros(1)
        box = np.array([[0, 0, size, size]], np.int32)
        fit.triangle_errors(
            blocks, points, corners.ravel(), np.array(triangles, np.int32), np.zeros(2, np.int32), box, found
        )
        assert found[0] == pytest.approx(errors[diagonal, 0, 0], abs=1e-5)
