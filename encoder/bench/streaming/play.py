"""The player without a window: its loader, its buffer, its renderer and its clock, and what happened when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from player.buffer import FrameBuffer
from player.composite.view import head_view
from player.film import frame_buffer
from player.frames import frame_at, reading_for_play
from player.headless import HeadlessRenderer
from player.loader import Loader, LoaderConfig
from player.playback import Playback
from player.source.address import parse_address
from player.source.link import LinkOptions

_SIZE = (640, 360)
_TICK_S = 1 / 60
_DECODED = 30  # frames that wait


@dataclass(frozen=True)
class Moment:
    """One turn of the player's loop.

    Attributes:
        now: seconds of time.monotonic, after drawing.
        time: seconds of the show that are played.
        frame: of the show, that was drawn; None where it had not come, and the show's time waits for it.
        chunk: that it is in; -1 without a frame.
        rung: the name of the one that is asked for now.
        behind_s: distance to the live edge.
    """

    now: float
    time: float
    frame: int | None
    chunk: int
    rung: str
    behind_s: float


class Player:
    """Draws what it is asked for, and waits for it."""

    def __init__(self, loader: Loader, buffer: FrameBuffer, renderer: HeadlessRenderer) -> None:
        """Of open ones; `playing` opens them."""
        self.loader, self._buffer, self._renderer = loader, buffer, renderer
        self._drawn = -1

    def seek(self, seconds: float) -> float:
        """Draw the frame at `seconds` of the show, waiting for it -> how long that took."""
        started = time.perf_counter()
        frame = self._buffer.wait(frame_at(self.loader.index, Fraction(seconds)))
        assert frame is not None
        self._renderer.set_decoded(frame)
        self._draw()
        return time.perf_counter() - started

    def play(self, seconds: float) -> Iterator[Moment]:
        """Play for so long at the clock's pace, as the window does."""
        playback = Playback(self.loader, self._buffer, loop=False)
        started = last = time.monotonic()
        while last - started < seconds:
            time.sleep(max(0.0, last + _TICK_S - time.monotonic()))
            now = time.monotonic()
            step, last = now - last, now
            frame = playback.advance(step)
            if frame is not None and frame.index != self._drawn:
                self._drawn = frame.index
                self._renderer.set_decoded(frame)
                self._draw()
            yield Moment(
                now=time.monotonic(),
                time=playback.clock.time,
                frame=None if frame is None else frame.index,
                chunk=-1 if frame is None else self.loader.index.chunk_of_frame(frame.index),
                rung=self.loader.figures().rung,
                behind_s=playback.behind_s,
            )

    def _draw(self) -> None:
        width, height = _SIZE
        self._renderer.render(head_view(np.eye(4), width=width, height=height, fov=1.3), dtype="uint8")


@contextmanager
def playing(url: str, config: LoaderConfig) -> Iterator[Player]:
    """A player of a show somewhere. Raises what the loader and the renderer raise."""
    with (
        Loader(parse_address(url), LinkOptions(), config) as loader,
        frame_buffer(loader, reading_for_play(loader.manifest), capacity=_DECODED, loop=False) as buffer,
        HeadlessRenderer(loader.manifest.projection, background=loader.manifest.background) as renderer,
    ):
        yield Player(loader, buffer, renderer)
