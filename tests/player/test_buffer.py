"""The buffer is bounded, never waits in `take`, and a seek cancels what it was doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from player.buffer import DecodedFrame, FrameBuffer
from player.composite.mesh import draw_mesh
from player.feed import Stale
from protocol.errors import FormatError
from protocol.mesh_codec import Geometry
from tests.player.scenes import PLANE
from tests.player.shows import RUNG

MESH = draw_mesh(Geometry(()), PLANE)
PLANES = np.zeros((2, 2), np.uint8)


class Reader:
    """Counts what is read; `gate` holds it back, `broken` is a frame that cannot be read."""

    def __init__(self, count: int, *, broken: int | None = None) -> None:
        self.count, self.broken = count, broken
        self.gate = threading.Event()
        self.gate.set()
        self.read: list[int] = []
        self.closed = 0

    def __call__(self, first: int, stale: Stale) -> Iterator[DecodedFrame]:
        try:
            for index in range(first, self.count):
                self.gate.wait(5)
                if index == self.broken:
                    raise FormatError(f"frame {index} is damaged")
                self.read.append(index)
                yield DecodedFrame(index, index, Fraction(index), RUNG, MESH, PLANES, PLANES, PLANES)
        finally:
            self.closed += 1


def settled(reader: Reader) -> list[int]:
    """What was read, once nothing more is."""
    last = -1
    while last != len(reader.read):
        last = len(reader.read)
        time.sleep(0.03)
    return list(reader.read)


def taken(buffer: FrameBuffer, index: int) -> DecodedFrame:
    frame = buffer.wait(index, timeout_s=5)
    assert frame is not None and frame.index == index
    return frame


def test_reads_ahead_no_further_than_its_capacity() -> None:
    reader = Reader(100)
    with FrameBuffer(reader, frame_count=100, capacity=5) as buffer:
        taken(buffer, 0)
        # The one after the last that fits is read, and waits for room.
        assert settled(reader) == [0, 1, 2, 3, 4, 5]
        assert buffer.figures().waiting == 5
        taken(buffer, 3)
        assert settled(reader) == list(range(9))
    assert reader.closed == 1


def test_take_does_not_wait() -> None:
    reader = Reader(10)
    reader.gate.clear()
    with FrameBuffer(reader, frame_count=10, capacity=3) as buffer:
        start = time.perf_counter()
        assert buffer.take(0) is None
        assert time.perf_counter() - start < 0.1
        reader.gate.set()
        taken(buffer, 0)
        assert buffer.take(0) is not None


def test_seek_cancels_and_starts_at_the_new_place() -> None:
    reader = Reader(1000)
    with FrameBuffer(reader, frame_count=1000, capacity=4) as buffer:
        taken(buffer, 0)
        settled(reader)
        taken(buffer, 500)
        assert settled(reader)[-5:] == [500, 501, 502, 503, 504]
        assert reader.closed == 1
        taken(buffer, 20)
        assert reader.closed == 2
        assert max(settled(reader)[-3:]) < 30


def test_skipped_frames_count_as_dropped() -> None:
    reader = Reader(20)
    with FrameBuffer(reader, frame_count=20, capacity=6) as buffer:
        for index in (0, 1, 4, 5, 9):
            taken(buffer, index)
        assert buffer.figures().dropped == 5


def test_loops_without_a_gap() -> None:
    reader = Reader(7)
    with FrameBuffer(reader, frame_count=7, capacity=4, loop=True) as buffer:
        for lap in range(3):
            for index in range(7):
                taken(buffer, index)
            assert reader.closed in (lap, lap + 1)
        assert buffer.figures().dropped == 0


@pytest.mark.parametrize("capacity", [3, 50])
def test_loop_shorter_than_the_buffer_goes_on(capacity: int) -> None:
    with FrameBuffer(Reader(5), frame_count=5, capacity=capacity, loop=True) as buffer:
        for step in range(40):
            taken(buffer, (2 * step) % 5)


def test_errors_are_raised_where_the_frame_is_missing() -> None:
    with FrameBuffer(Reader(10, broken=3), frame_count=10, capacity=8) as buffer:
        for index in range(3):
            taken(buffer, index)
        with pytest.raises(FormatError, match="frame 3"):
            buffer.wait(3, timeout_s=5)
        # Elsewhere the show goes on.
        taken(buffer, 0)


def test_closes_while_the_reader_waits_for_room() -> None:
    reader = Reader(100)
    with FrameBuffer(reader, frame_count=100, capacity=2) as buffer:
        taken(buffer, 0)
        settled(reader)
    assert reader.closed == 1
    assert not any(t.name == "lfv-decode" for t in threading.enumerate())
