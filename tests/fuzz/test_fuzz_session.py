"""The fuzz target of the session itself works, and a moment of it in every test run."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.fuzz_session import fuzz_one, mutate, seeds, stages


def test_undisturbed_sessions_go_on_to_their_end():
    assert all(fuzz_one(seed) for seed in seeds()[:4])


def test_every_disturbance_is_borne():
    went_on = [fuzz_one(seed) for seed in seeds()]
    assert 10 < sum(went_on) < len(went_on) - 10


@pytest.mark.parametrize("target", range(4))
def test_mutated_sessions_with_bounded_memory(target):
    rng = random.Random(target)
    corpus = [seed for seed in seeds() if seed[0] == target]
    stages(True), stages(False)
    tracemalloc.start()
    try:
        for _ in range(250):
            fuzz_one(mutate(rng.choice(corpus), rng))
        # Four segments of at most 40,000 bytes, on their way and assembled, and messages of at most 64 KiB.
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@given(st.integers(0, 3), st.binary(max_size=300))
def test_any_script(target, data):
    fuzz_one(bytes([target]) + data)
