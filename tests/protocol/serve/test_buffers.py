"""Buffers are never shared by two who hold them, and come back when nobody does."""

from __future__ import annotations

import random
import threading

from hypothesis import given
from hypothesis import strategies as st

from protocol.serve.buffers import BufferPool

EXTRA = 20


@given(st.lists(st.integers(1, (1 << 20) + EXTRA), max_size=20), st.randoms(use_true_random=False))
def test_nobody_overwrites_what_another_holds(sizes: list[int], rng: random.Random) -> None:
    pool = BufferPool(extra=EXTRA)
    held: dict[int, memoryview] = {}
    for number, size in enumerate(sizes):
        view = pool.take(size)
        assert len(view) == size
        view[:1] = view[-1:] = bytes([number])
        held[number] = view
        del view
        if rng.random() < 0.5:
            del held[rng.choice(list(held))]
        assert all(v[0] == v[-1] == n for n, v in held.items())


def test_they_are_used_again_by_whoever_asks_next() -> None:
    pool = BufferPool(extra=EXTRA)
    first = pool.take((1 << 20) + EXTRA)
    whose = id(first.obj)
    assert id(pool.take(1 << 20).obj) != whose
    del first
    found = {id(view.obj) for view in [pool.take(1 << 20), pool.take((1 << 20) + EXTRA)]}
    assert whose in found
    assert len(pool.take(1).obj) < 1 << 17


def test_another_thread_may_let_go() -> None:
    pool = BufferPool(extra=EXTRA)
    queue: list[memoryview] = []

    def let_go() -> None:
        for _ in range(2000):
            while not queue:
                continue
            queue.pop()

    thread = threading.Thread(target=let_go)
    thread.start()
    for number in range(2000):
        queue.append(pool.take(1 + number * 37 % (1 << 18)))
    thread.join()
    assert not pool._lent
