"""Decoded frames around the play position: filled by a worker thread, bounded, cancelled by a seek."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

from player.composite.mesh import DrawMesh
from player.decode import Plane
from player.feed import Stale
from protocol.manifest import Rung


@dataclass(frozen=True, eq=False)
class DecodedFrame:
    """All that is drawn for one frame.

    Attributes:
        index: in the show; `frame`: in its chunk.
        time: seconds on the show's clock.
        rung: of its chunk; says how the picture is divided.
        mesh: geometry of the chunk, shared by its frames.
        y, u, v: uint8 planes, U and V half size.
    """

    index: int
    frame: int
    time: Fraction
    rung: Rung
    mesh: DrawMesh
    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True)
class BufferFigures:
    """Frames: decoded so far, let go without being shown, waiting now, and the most that may wait."""

    decoded: int
    dropped: int
    waiting: int
    capacity: int


# Frames from the given index of the show on, in order, to the end of the show; one that waits ends once it is stale.
FrameReader = Callable[[int, Stale], Iterator[DecodedFrame]]


class FrameBuffer:
    """At most `capacity` decoded frames from the play position on. `take` and `seek` never wait for the decoder."""

    def __init__(self, read: FrameReader, *, frame_count: int, capacity: int, loop: bool = False) -> None:
        """Prepare; the worker starts on entering the context.

        Args:
            read: called on the worker thread; its iterator is closed when a seek makes it useless.
            frame_count: of the show.
            capacity: frames held at most, those that wait and the one that is shown apart.
            loop: after the last frame comes the first.
        """
        self._read, self._count, self._capacity, self._loop = read, frame_count, capacity, loop
        self._changed = threading.Condition()
        # Keyed, like the position, by frames since the start of the first lap: a looping show counts on.
        self._frames: dict[int, DecodedFrame] = {}
        self._shown = -1
        self._position = 0
        self._generation = 0
        self._closed = False
        self._error: Exception | None = None
        self._ended = False
        self._decoded = self._dropped = 0
        self._worker = threading.Thread(target=self._work, name="lfv-decode", daemon=True)

    def __enter__(self) -> FrameBuffer:
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._generation += 1
            self._changed.notify_all()
        self._worker.join()
        self._frames.clear()

    def take(self, index: int) -> DecodedFrame | None:
        """The frame, or None if it is not decoded yet. Moves the play position there; earlier frames are let go.

        Raises:
            LfvError: what ended the worker; raised where the frame can no longer come.
        """
        with self._changed:
            return self._take(index)

    def wait(self, index: int, *, timeout_s: float | None = None) -> DecodedFrame | None:
        """As `take`, but waits for the decoder; None only after `timeout_s`, or behind the end of the show."""
        with self._changed:
            frame = self._take(index)
            while frame is None:
                if self._ended or not self._changed.wait(timeout_s):
                    return None
                frame = self._take(index)
            return frame

    def figures(self) -> BufferFigures:
        """What has been done so far."""
        with self._changed:
            return BufferFigures(self._decoded, self._dropped, len(self._frames), self._capacity)

    def _take(self, index: int) -> DecodedFrame | None:
        ahead = index - self._position
        if self._loop:
            ahead %= self._count
        if 0 <= ahead < self._capacity:
            self._advance(self._position + ahead)
        else:
            self._seek(index)
        frame = self._frames.get(self._position)
        if frame is not None:
            self._shown = self._position
        elif self._error is not None:
            raise self._error
        return frame

    def _advance(self, position: int) -> None:
        if position == self._position:
            return
        self._position = position
        for old in [i for i in self._frames if i < position]:
            del self._frames[old]
            self._dropped += old != self._shown
        self._changed.notify_all()

    def _seek(self, index: int) -> None:
        self._position = index
        self._generation += 1
        self._dropped += len(self._frames) - (self._shown in self._frames)
        self._frames.clear()
        self._shown = -1
        self._error, self._ended = None, False
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                generation, first = self._generation, self._position
            try:
                self._fill(generation, first)
            # Everything that ends the worker is raised again where a frame is asked for, on the caller's thread.
            except Exception as error:
                with self._changed:
                    if generation == self._generation:
                        self._error = error
                        self._changed.notify_all()
            with self._changed:
                while generation == self._generation and not self._closed:
                    self._changed.wait()

    def _fill(self, generation: int, first: int) -> None:
        lap = 0
        while True:
            frames = self._read(first, lambda: self._closed or generation != self._generation)
            try:
                for frame in frames:
                    if not self._put(generation, lap + frame.index, frame):
                        return
            finally:
                close = getattr(frames, "close", None)
                if close is not None:
                    close()
            if not self._loop:
                self._end(generation)
                return
            first, lap = 0, lap + self._count

    def _end(self, generation: int) -> None:
        with self._changed:
            self._ended = generation == self._generation
            self._changed.notify_all()

    def _put(self, generation: int, position: int, frame: DecodedFrame) -> bool:
        """Wait for room, then keep the frame. False where a seek or the end has made it useless."""
        with self._changed:
            while generation == self._generation and position >= self._position + self._capacity:
                self._changed.wait()
            if generation != self._generation:
                return False
            self._decoded += 1
            if position < self._position:
                self._dropped += 1
            else:
                self._frames[position] = frame
                self._changed.notify_all()
            return True
