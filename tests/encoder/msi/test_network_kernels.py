"""The fused step's parts, each against plain numpy, and its result on any number of threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from encoder.msi import network_kernels as kernels
from encoder.msi.components import CHANNELS
from encoder.msi.kernel_options import CELL, paired
from encoder.msi.network import LearnedDescent, NetworkConfig, Step


@pytest.mark.parametrize(("inputs", "outputs", "count"), [(23, 16, 128), (16, 8, 8), (1, 24, 61)])
def test_mixed_is_a_matrix_product(inputs: int, outputs: int, count: int) -> None:
    rng = np.random.default_rng(inputs)
    weights, bias = rng.normal(size=(inputs, outputs)).astype(np.float32), rng.normal(size=outputs).astype(np.float32)
    source, out = rng.normal(size=(inputs + 2, 300)).astype(np.float32), np.full((outputs, 136), np.nan, np.float32)
    kernels._mixed(weights, bias, source, 100, count, out)
    want = weights.T @ source[:inputs, 100 : 100 + count] + bias[:, None]
    assert np.allclose(out[:, :count], want, atol=1e-5)
    assert np.isnan(out[:, -(-count // 8) * 8 :]).all()


def test_tanh_is_as_exact_as_it_says() -> None:
    x = np.linspace(-30, 30, 200_001).astype(np.float32)
    found = np.array([kernels._tanh(value) for value in x[::50]])
    assert np.abs(found - np.tanh(x[::50].astype(np.float64))).max() < 2e-7


@given(arrays(np.uint8, st.integers(1, 70), elements=st.integers(0, 1)), st.integers(0, CELL - 1))
def test_spans_are_what_is_live(blocks: np.ndarray, missing: int) -> None:
    width = len(blocks) * CELL - missing
    seen = np.zeros(width, int)
    for first, last in kernels._spans(blocks, width):
        assert first < last <= width and last - first <= kernels._LONGEST
        seen[first:last] += 1
    assert np.array_equal(seen, np.repeat(blocks, CELL)[:width])


@given(st.integers(1, 300))
def test_every_shell_has_its_turn(count: int) -> None:
    assert sorted(paired(turn, count) for turn in range(count)) == list(range(count))


def test_threads_change_no_bit_of_a_step() -> None:
    """And what is not live, not free or not looked at stays."""
    rng = np.random.default_rng(5)
    N, H, W = 7, 29, 151
    shells = rng.random((N, H, W, 4), np.float32)
    alive = (rng.random((N, -(-H // CELL), -(-W // CELL))) < 0.6).astype(np.uint8)
    free = (rng.random((N, H, W)) < 0.8).astype(np.uint8)
    components = rng.random((N, H, W, CHANNELS), np.float32)
    components[..., 6] *= rng.random((N, H, W)) < 0.9
    torch_step = next(LearnedDescent(NetworkConfig(levels=(1,), hidden=12)).by_level())[1]
    assert isinstance(torch_step, Step)
    results, before = [], numba.get_num_threads()
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append(shells.copy())
            kernels.step_shells(torch_step, results[-1], components, alive, free, np.empty_like(shells))
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(*results)
    live = alive.repeat(CELL, 1).repeat(CELL, 2)[:, :H, :W] != 0
    moved = live & (free != 0) & (components[..., 6] > 0)
    assert np.array_equal(results[0][~moved][1:, :3], shells[~moved][1:, :3])
    assert np.abs(results[0] - shells)[moved].max(axis=1).min() > 0
    assert (results[0][0, ..., 3][free[0] != 0] == 1).all()
