"""When the frames of one video file are shown, read without decoding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from protocol.errors import CaptureError


@dataclass(frozen=True)
class Timeline:
    """The frames of one video file in the order in which they are shown.

    Attributes:
        stamps: (N,) int64 times in ticks of `time_base`, strictly ascending; the frame number if not `stamped`.
        time_base: seconds per tick.
        rate: frames per second; exact where `constant`, else by the median step. None if unstated and unseen.
        constant: every frame lies within a tick of the grid of `rate`.
        stamped: the file has presentation times; where not, frame k is at k / rate.
        keys: (K, 2) int64 presentation and decoding time, in ticks, of the frames at which decoding can start.
        width, height: pixels as stored.
    """

    stamps: np.ndarray
    time_base: Fraction
    rate: Fraction | None
    constant: bool
    stamped: bool
    keys: np.ndarray
    width: int
    height: int

    @property
    def count(self) -> int:
        """Frames in the file."""
        return len(self.stamps)

    @property
    def start(self) -> Fraction:
        """Time of the first frame in seconds, by the file's clock."""
        return self.time(0)

    def time(self, index: int) -> Fraction:
        """Time of frame `index` in seconds, by the file's clock."""
        return int(self.stamps[index]) * self.time_base

    def seconds(self) -> np.ndarray:
        """(N,) float64 times in seconds, for searching."""
        return self.stamps * float(self.time_base)


def read_timeline(path: Path, *, owner: str) -> Timeline:
    """The timeline of the first video stream of `path`; `owner` is the camera, for the message.

    Raises:
        CaptureError: the file is missing, no video, truncated or empty.
    """
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.video:
                raise CaptureError(f"{owner}: {path} has no video in it; give the camera's video file")
            stream = container.streams.video[0]
            return _scan(container, stream, path, owner)
    except FileNotFoundError:
        raise CaptureError(f"{owner}: {path} is missing; put it back or take the camera out of the rig") from None
    except (av.error.FFmpegError, OSError) as error:
        reason = (error.strerror or "unknown format").lower()
        raise CaptureError(f"{owner}: {path} is no readable video ({reason}); export or copy it again") from error


def _scan(container: av.container.InputContainer, stream: VideoStream, path: Path, owner: str) -> Timeline:
    # Numbers only: the packets themselves are the whole file.
    demuxed, shown = 0, []
    for packet in container.demux(stream):
        if packet.size:
            demuxed += 1
            if not packet.is_discard:
                shown.append((packet.pts, packet.dts, packet.is_keyframe))
    # An MP4 states how many frames it has: one that was cut off while it was copied has fewer (hidden ones count).
    if stream.frames > demuxed:
        raise CaptureError(
            f"{owner}: {path} ends after {demuxed} of its {stream.frames} frames; the file is cut off, copy it again"
        )
    if not shown:
        raise CaptureError(f"{owner}: {path} has no frames; export it again")
    guessed = stream.average_rate or stream.guessed_rate
    stamped = all(pts is not None for pts, _, _ in shown)
    if stamped:
        time_base = Fraction(stream.time_base or Fraction(1, 1000))
        stamps = np.unique(np.array([pts for pts, _, _ in shown], np.int64))
        keys = np.array([(pts, pts if dts is None else dts) for pts, dts, key in shown if key], np.int64)
        rate, constant = _rate(stamps, time_base, guessed)
    else:
        if not guessed:
            raise CaptureError(f"{owner}: {path} states neither times nor a frame rate; put it into an MP4 or MKV file")
        rate, constant, time_base = Fraction(guessed), True, 1 / Fraction(guessed)
        stamps = np.arange(len(shown), dtype=np.int64)
        keys = np.empty((0, 2), np.int64)
    return Timeline(
        stamps=stamps,
        time_base=time_base,
        rate=rate,
        constant=constant,
        stamped=stamped,
        keys=keys.reshape(-1, 2),
        width=stream.codec_context.width,
        height=stream.codec_context.height,
    )


def _rate(stamps: np.ndarray, time_base: Fraction, guessed: Fraction | None) -> tuple[Fraction | None, bool]:
    """Frames per second, and whether they are evenly spaced to within the file's clock."""
    if len(stamps) == 1:
        return (Fraction(guessed) if guessed else None), True
    steps = np.diff(stamps)
    if (steps == steps[0]).all():
        return 1 / (int(steps[0]) * time_base), True
    mean = Fraction(len(stamps) - 1) / (int(stamps[-1] - stamps[0]) * time_base)
    # A clock too coarse for the rate (MKV counts milliseconds) rounds every time to it.
    for candidate in (guessed, Fraction(round(mean * 1001), 1001), Fraction(round(mean))):
        if candidate:
            ticks = np.arange(len(stamps)) * float(1 / (Fraction(candidate) * time_base))
            if np.abs(stamps - stamps[0] - ticks).max() <= 1:
                return Fraction(candidate), True
    # The usual step, not the mean: a camera that dropped a frame still has the rate that it had.
    return 1 / (Fraction(float(np.median(steps))) * time_base), False
