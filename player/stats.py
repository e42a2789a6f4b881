"""What the stats overlay says."""

from __future__ import annotations

import time
from collections import deque

from player.buffer import BufferFigures, DecodedFrame
from player.loader import Loader
from player.playback import Playback

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


def overlay(stats: Stats, playback: Playback, buffered: BufferFigures, loader: Loader, triangles: int) -> str:
    """The overlay's lines; an outage is told even where it is switched off."""
    figures, clock = loader.figures(), playback.clock
    outage = "" if figures.fetch.connected else "the connection is lost; connecting again"
    if not stats.visible:
        return outage
    throughput = "-" if figures.throughput is None else f"{figures.throughput / 1e6:.1f} Mbit/s"
    frame = "-" if stats.frame is None else str(stats.frame.index)
    return "\n".join(
        (
            f"frame    {frame} at {clock.time:.2f} of {clock.duration:.2f} s{'' if clock.playing else ', paused'}",
            f"pictures {stats.rate:.0f} a second, {stats.late} waited for a frame",
            f"decoded  {buffered.decoded}, dropped {buffered.dropped}",
            f"buffer   {buffered.waiting} of {buffered.capacity}",
            f"rung     {figures.rung}{' (fixed)' if figures.locked else ''}, {figures.fetch.switches} switches",
            f"network  {throughput}, {figures.ahead_s:.1f} s ahead, {figures.fetch.reconnects} reconnects",
            *_live_lines(playback, loader),
            f"mesh     {triangles} triangles",
            *([outage] if outage else []),
        )
    )


def _live_lines(playback: Playback, loader: Loader) -> list[str]:
    if not loader.live:
        return []
    hold = playback.hold
    holding = f"holding {hold.target_s:.2f} s" if hold.following else "l goes back to it"
    return [f"live     {playback.behind_s:.2f} s behind the edge, {holding}"]
