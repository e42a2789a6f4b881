"""Playing a show in a window, stage by stage."""

from __future__ import annotations

import time
from dataclasses import replace

from player.buffer import DecodedFrame
from player.clock import PlayClock, advanced, sought, toggled
from player.film import comfort_box, frame_buffer
from player.frames import FrameReading, frame_at
from player.live import LiveHold, calm, held, stalled
from player.loader import Loader
from player.stats import Stats, overlay
from player.window import PlayerWindow, WindowLook, stopwatch_step
from player.window_input import Taken
from protocol.manifest import Manifest

_SEEK_S = 2.0
# Decoded frames that wait take at most this much memory, but there are always a few.
_BUFFER_BYTES = 256 << 20
_FEWEST, _MOST = 3, 60


def play_in_window(loader: Loader, reading: FrameReading, look: WindowLook, *, loop: bool = True) -> None:
    """Play until the window is closed. The head always moves; where a frame is late the show's time waits for it.

    Raises:
        FormatError: the show is damaged. DisplayError: there is no display. StorageError, StreamError: no way to it.
    """
    manifest, index = loader.manifest, loader.index
    with (
        frame_buffer(loader, reading, capacity=buffer_capacity(manifest), loop=loop and not loader.live) as buffer,
        PlayerWindow(comfort_box(manifest), look, background=manifest.background) as window,
    ):
        first = index.chunks[index.chunk_of_frame(loader.first)]
        clock = PlayClock(duration=float(index.duration), time=float(first.start), loop=loop and not loader.live)
        hold = LiveHold(chunk_s=float(first.duration))
        stats = Stats()
        while not window.closed:
            step = stopwatch_step(stats)
            taken = window.poll(step)
            clock, hold = _controlled(loader, clock, hold, taken)
            wanted = _next(loader, clock, hold, step)
            frame = buffer.take(frame_at(loader.index, wanted.time))
            if frame is not None:
                clock, hold = wanted, calm(hold, seconds=step)
                window.show(frame)
            elif stats.frame is not None and not stats.waits:
                hold = stalled(hold)
            stats.count(shown=frame, toggled="s" in taken.pressed)
            window.write(overlay(stats, clock, hold, buffer.figures(), loader, window.triangle_count))
            _timed_render(window, loader, frame)


def buffer_capacity(manifest: Manifest) -> int:
    """How many decoded frames may wait, for the largest rung."""
    largest = max(rung.width * rung.height * 3 // 2 for rung in manifest.rungs)
    return min(max(_BUFFER_BYTES // largest, _FEWEST), _MOST)


def _next(loader: Loader, clock: PlayClock, hold: LiveHold, step: float) -> PlayClock:
    duration = float(loader.index.duration)
    if loader.live:
        return held(hold, clock, seconds=step, edge=loader.edge(), duration=duration)
    return advanced(replace(clock, duration=duration), seconds=step)


def _timed_render(window: PlayerWindow, loader: Loader, frame: DecodedFrame | None) -> None:
    started = time.perf_counter()
    window.render()
    if frame is not None:
        loader.spent(loader.manifest.rungs.index(frame.rung), time.perf_counter() - started)


def _controlled(loader: Loader, clock: PlayClock, hold: LiveHold, taken: Taken) -> tuple[PlayClock, LiveHold]:
    for key in taken.pressed:
        if key == "space":
            clock = toggled(clock)
            hold = replace(hold, following=False)
        elif key in ("left", "right"):
            clock = sought(clock, seconds=_SEEK_S if key == "right" else -_SEEK_S)
            hold = replace(hold, following=False)
        elif key == "l":
            hold = replace(hold, following=True)
        elif key.isdecimal() and int(key) <= len(loader.manifest.rungs):
            loader.lock(int(key) - 1 if int(key) else None)
    return clock, hold
