"""Playing a show in a window, stage by stage."""

from __future__ import annotations

import time

from player.buffer import DecodedFrame
from player.film import comfort_box, frame_buffer
from player.frames import FrameReading
from player.loader import Loader
from player.playback import Playback
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
    manifest = loader.manifest
    with (
        frame_buffer(loader, reading, capacity=buffer_capacity(manifest), loop=loop and not loader.live) as buffer,
        PlayerWindow(comfort_box(manifest), look, background=manifest.background) as window,
    ):
        playback, stats = Playback(loader, buffer, loop=loop), Stats()
        while not window.closed:
            step = stopwatch_step(stats)
            taken = window.poll(step)
            _control(playback, loader, taken)
            frame = playback.advance(step)
            if frame is not None:
                window.show(frame)
            stats.count(shown=frame, toggled="s" in taken.pressed)
            window.write(overlay(stats, playback, buffer.figures(), loader, window.triangle_count))
            _timed_render(window, loader, frame)


def buffer_capacity(manifest: Manifest) -> int:
    """How many decoded frames may wait, for the largest rung."""
    largest = max(rung.width * rung.height * 3 // 2 for rung in manifest.rungs)
    return min(max(_BUFFER_BYTES // largest, _FEWEST), _MOST)


def _timed_render(window: PlayerWindow, loader: Loader, frame: DecodedFrame | None) -> None:
    started = time.perf_counter()
    window.render()
    if frame is not None:
        loader.spent(loader.manifest.rungs.index(frame.rung), time.perf_counter() - started)


def _control(playback: Playback, loader: Loader, taken: Taken) -> None:
    for key in taken.pressed:
        if key == "space":
            playback.pause()
        elif key in ("left", "right"):
            playback.seek(_SEEK_S if key == "right" else -_SEEK_S)
        elif key == "l":
            playback.follow()
        elif key.isdecimal() and int(key) <= len(loader.manifest.rungs):
            loader.lock(int(key) - 1 if int(key) else None)
