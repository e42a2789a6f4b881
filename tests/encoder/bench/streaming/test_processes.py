"""Workers answer, end with their context, and say so when they are gone."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection

import pytest

from encoder.bench.streaming.processes import cpu_seconds, resident_bytes, worker
from encoder.bench.streaming.viewers import quantile
from protocol.errors import StreamError


def add(pipe: Connection, more: int) -> None:
    while True:
        pipe.send(pipe.recv() + more)


def leave(pipe: Connection) -> None:
    pipe.send(os.getpid())


def test_a_worker_answers_and_its_end_is_noticed() -> None:
    with worker(add, 5) as adder, worker(leave) as gone:
        assert [adder.ask(1), adder.ask(2)] == [6, 7]
        gone.answer()
        with pytest.raises(StreamError, match="leave has ended"):
            gone.answer()
        with pytest.raises(StreamError, match="says nothing"):
            adder.answer(timeout_s=0.05)


def test_what_a_process_uses_is_what_it_uses() -> None:
    started = time.process_time()
    before = cpu_seconds(os.getpid())
    while time.process_time() - started < 0.3:
        pass
    assert cpu_seconds(os.getpid()) - before == pytest.approx(0.3, abs=0.1)
    small = resident_bytes(os.getpid())
    block = b"x" * (64 << 20)
    assert resident_bytes(os.getpid()) - small == pytest.approx(len(block), rel=0.1)


def test_quantiles() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [quantile(values, share) for share in (0, 0.2, 0.5, 0.8, 0.95, 1)] == [1, 1, 3, 4, 5, 5]
