"""What the stats overlay says."""

from __future__ import annotations

import time
from collections import deque

from player.buffer import BufferFigures, DecodedFrame
from player.clock import PlayClock

_WINDOW = 60


class Stats:
    """Counts pictures and frames of a window's loop."""

    def __init__(self) -> None:
        self.visible = False
        self.late = 0
        self.frame: DecodedFrame | None = None
        self.times: deque[float] = deque([time.perf_counter()], maxlen=_WINDOW)

    def count(self, *, shown: DecodedFrame | None, toggled: bool) -> None:
        """One picture was made: of a frame, or of the frame before because the next one is late."""
        self.visible ^= toggled
        self.late += shown is None
        self.frame = shown or self.frame

    @property
    def rate(self) -> float:
        """Pictures per second over the last ones."""
        span = self.times[-1] - self.times[0]
        return (len(self.times) - 1) / span if span > 0 else 0.0


def overlay(stats: Stats, clock: PlayClock, buffered: BufferFigures, triangles: int) -> str:
    """The overlay's lines, or nothing where it is switched off."""
    if not stats.visible:
        return ""
    frame = "-" if stats.frame is None else str(stats.frame.index)
    return "\n".join(
        (
            f"frame    {frame} at {clock.time:.2f} of {clock.duration:.2f} s{'' if clock.playing else ', paused'}",
            f"pictures {stats.rate:.0f} a second, {stats.late} waited for a frame",
            f"decoded  {buffered.decoded}, dropped {buffered.dropped}",
            f"buffer   {buffered.waiting} of {buffered.capacity}",
            f"mesh     {triangles} triangles",
        )
    )
