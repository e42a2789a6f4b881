"""The fuzz target itself works, and a moment of it in every test run."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.fuzz_show import TARGETS, fuzz_one, mutate, seeds


def test_every_seed_is_valid():
    assert len(seeds()) == len(TARGETS)
    assert all(fuzz_one(seed) for seed in seeds())


@pytest.mark.parametrize("target", range(len(TARGETS)))
def test_mutations_end_in_a_value_or_one_error_with_bounded_memory(target):
    rng = random.Random(target)
    seed = seeds()[target]
    tracemalloc.start()
    try:
        for _ in range(300):
            fuzz_one(mutate(seed, rng))
        # The caps allow more; what a small file can make a reader allocate is bounded by what it declares and holds.
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@given(st.integers(0, len(TARGETS) - 1), st.binary(max_size=400))
def test_any_bytes(target, data):
    fuzz_one(bytes([target]) + data)
