"""Rendering a show along a head path, offscreen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from player.buffer import FrameBuffer
from player.composite.view import eye_heads, head_view
from player.feed import Feed
from player.frames import FrameReading, frame_at, read_frames
from player.headless import HeadlessRenderer
from player.pictures import open_pictures
from player.pose.comfort import ComfortBox, fade
from player.pose.trace import Trace, pose_at
from protocol.manifest import Manifest

_AHEAD = 4


@dataclass(frozen=True)
class Shot:
    """How a show is filmed.

    Attributes:
        width, height: of one eye, pixels. fov: horizontal, radians.
        ipd: distance of the eyes, metres; 0 is mono, else left and right stand side by side.
        rate: pictures per second. times: seconds of the show to render instead of an even rate.
        samples: pixels are averages of samples x samples.
        fades: dim towards the comfort volume's edge, as the window does.
    """

    width: int
    height: int
    fov: float
    rate: Fraction
    ipd: float = 0.0
    times: tuple[Fraction, ...] = ()
    samples: int = 1
    fades: bool = True


def film(feed: Feed, trace: Trace, shot: Shot, reading: FrameReading) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) or, in stereo, (H, 2W, 3) uint8 sRGB pictures along a head path.

    Without `shot.times` they cover the path's time, and the show plays from its start, over and over where the path
    is longer. Raises FormatError, StorageError, DisplayError.
    """
    manifest, box = feed.manifest, comfort_box(feed.manifest)
    with (
        HeadlessRenderer(manifest.projection, background=manifest.background, samples=shot.samples) as renderer,
        frame_buffer(feed, reading, capacity=_AHEAD, loop=not shot.times) as buffer,
    ):
        for path_time, show_time in _times(feed, trace, shot):
            frame = buffer.wait(frame_at(feed.index, show_time, grows=feed.live))
            if frame is None:  # a live show has ended before it
                frame = buffer.wait(frame_at(feed.index, show_time))
            assert frame is not None
            renderer.set_decoded(frame)
            yield _picture(renderer, pose_at(trace, float(path_time)), shot, box)


def film_to(
    out: Path, feed: Feed, trace: Trace, shot: Shot, reading: FrameReading, *, done: Callable[[int], None]
) -> None:
    """Film into a folder of PNGs or a video; `done` is told how many pictures are written.

    Raises:
        UsageError, StorageError: `out` cannot be written. Else as `film`.
    """
    with open_pictures(out, rate=shot.rate) as pictures:
        for count, picture in enumerate(film(feed, trace, shot, reading), start=1):
            pictures.write(picture)
            done(count)


def frame_buffer(feed: Feed, reading: FrameReading, *, capacity: int, loop: bool) -> FrameBuffer:
    """A buffer over a show's frames."""
    count = feed.index.frame_count
    return FrameBuffer(
        lambda first, stale: read_frames(feed, first, reading, stale),
        frame_count=count,
        capacity=capacity,
        loop=loop and count > 1,
    )


def comfort_box(manifest: Manifest) -> ComfortBox:
    """The comfort volume that the manifest states."""
    return ComfortBox(low=np.array(manifest.comfort_min, float), high=np.array(manifest.comfort_max, float))


def _times(feed: Feed, trace: Trace, shot: Shot) -> Iterator[tuple[Fraction, Fraction]]:
    """Pairs of times, on the path and in the show, seconds."""
    if shot.times:
        yield from ((time, time) for time in shot.times)
        return
    first, last = float(trace.times[0]), float(trace.times[-1])
    # Times of a path are decimal fractions: its last pose counts even where they are rounded down.
    for i in range(math.floor((last - first) * float(shot.rate) + 1e-6) + 1):
        time = i / shot.rate
        yield Fraction(first) + time, time % feed.index.duration


def _picture(renderer: HeadlessRenderer, T_world_head: NDArray[Any], shot: Shot, box: ComfortBox) -> NDArray[np.uint8]:
    eyes = eye_heads(T_world_head, ipd=shot.ipd) if shot.ipd else (T_world_head,)
    dim = fade(box, T_world_head[:3, 3]) if shot.fades else 1.0
    views = (head_view(eye, width=shot.width, height=shot.height, fov=shot.fov) for eye in eyes)
    return np.concatenate([renderer.render(view, dtype="uint8", fade=dim)[..., :3] for view in views], axis=1)
