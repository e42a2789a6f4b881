"""Which frame is shown when: the clock goes on while frames come, waits while they are late, follows a live edge."""

from __future__ import annotations

from dataclasses import replace

from player.buffer import DecodedFrame, FrameBuffer
from player.clock import PlayClock, advanced, sought, toggled
from player.frames import frame_at
from player.live import LiveHold, calm, held, stalled
from player.loader import Loader


class Playback:
    """A loader's show in time. Not for several threads.

    Attributes:
        clock: where it plays. hold: the distance to a live edge.
        frame: the last one that was there in time.
        late: the newest turn had no frame to show.
    """

    def __init__(self, loader: Loader, buffer: FrameBuffer, *, loop: bool) -> None:
        """From the show's start, or from the newest chunk of a live one."""
        self._loader, self._buffer = loader, buffer
        first = loader.index.chunks[loader.index.chunk_of_frame(loader.first)]
        self.clock = PlayClock(
            duration=float(loader.index.duration), time=float(first.start), loop=loop and not loader.live
        )
        self.hold = LiveHold(chunk_s=float(first.duration))
        self.frame: DecodedFrame | None = None
        self.late = False

    @property
    def behind_s(self) -> float:
        """Seconds to the live edge."""
        return self._loader.edge() - self.clock.time

    def advance(self, seconds: float) -> DecodedFrame | None:
        """The frame to show after `seconds`, or None where it has not come: then the show's time stays.

        Raises what ended the fetching or the decoding.
        """
        wanted = self._advanced(seconds)
        frame = self._buffer.take(frame_at(self._loader.index, wanted.time))
        if frame is not None:
            self.clock, self.hold, self.frame = wanted, calm(self.hold, seconds=seconds), frame
        elif self.frame is not None and not self.late:
            self.hold = stalled(self.hold)
        self.late = frame is None
        return frame

    def pause(self) -> None:
        """Pause or go on. A live show is no longer followed then."""
        self.clock, self.hold = toggled(self.clock), replace(self.hold, following=False)

    def seek(self, seconds: float) -> None:
        """Go forward or back. A live show is no longer followed then."""
        self.clock, self.hold = sought(self.clock, seconds=seconds), replace(self.hold, following=False)

    def follow(self) -> None:
        """Go to the live edge and hold the distance to it."""
        self.hold = replace(self.hold, following=True)

    def _advanced(self, seconds: float) -> PlayClock:
        duration = float(self._loader.index.duration)
        if self._loader.live:
            return held(self.hold, self.clock, seconds=seconds, edge=self._loader.edge(), duration=duration)
        return advanced(replace(self.clock, duration=duration), seconds=seconds)
