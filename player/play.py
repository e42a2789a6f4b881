"""Playing a show in a window, stage by stage."""

from __future__ import annotations

from player.clock import PlayClock, advanced, sought, toggled
from player.film import comfort_box, frame_buffer
from player.frames import FrameReading, frame_at
from player.stats import Stats, overlay
from player.window import PlayerWindow, WindowLook, stopwatch_step
from player.window_input import Taken
from protocol.container import Show

_SEEK_S = 2.0
# Decoded frames that wait take at most this much memory, but there are always a few.
_BUFFER_BYTES = 256 << 20
_FEWEST, _MOST = 3, 60


def play_in_window(show: Show, reading: FrameReading, look: WindowLook, *, loop: bool = True) -> None:
    """Play until the window is closed. The head always moves; where a frame is late the show's time waits for it.

    Raises:
        FormatError: the show is damaged. DisplayError: there is no display. StorageError: the show cannot be read.
    """
    manifest, rung = show.manifest, show.manifest.rungs[reading.rung]
    capacity = min(max(_BUFFER_BYTES // (rung.width * rung.height * 3 // 2), _FEWEST), _MOST)
    with (
        frame_buffer(show, reading, capacity=capacity, loop=loop) as buffer,
        PlayerWindow(rung, comfort_box(manifest), look, background=manifest.background) as window,
    ):
        clock, stats = PlayClock(duration=float(show.index.duration), loop=loop), Stats()
        while not window.closed:
            step = stopwatch_step(stats)
            taken = window.poll(step)
            clock = _controlled(clock, taken)
            wanted = advanced(clock, seconds=step)
            frame = buffer.take(frame_at(show.index, wanted.time))
            if frame is not None:
                clock = wanted
                window.show(frame)
            stats.count(shown=frame, toggled="s" in taken.pressed)
            window.write(overlay(stats, clock, buffer.figures(), window.triangle_count))
            window.render()


def _controlled(clock: PlayClock, taken: Taken) -> PlayClock:
    for key in taken.pressed:
        if key == "space":
            clock = toggled(clock)
        elif key in ("left", "right"):
            clock = sought(clock, seconds=_SEEK_S if key == "right" else -_SEEK_S)
    return clock
