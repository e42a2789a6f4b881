"""The synchronised pictures of all cameras of a rig."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from encoder.capture.lockstep import Lockstep, align
from encoder.capture.pictures import read_mask
from encoder.capture.readers import ImageSource, VideoSource, wrong_size
from encoder.capture.resize import scaled_size, shrink_mask, shrink_picture
from encoder.capture.timeline import Timeline, read_timeline
from protocol.errors import CaptureError, UsageError

log = logging.getLogger(__name__)

IMAGE_RATE = Fraction(30)  # frames per second of an image sequence for which nobody states it
_MOST_DECODER_THREADS = 4


class PictureSize(Protocol):
    """What is needed of a camera model: its size in pixels."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


class FilmedCamera(Protocol):
    """What is needed of a camera: `encoder.rig.rig.Camera` is one."""

    @property
    def name(self) -> str: ...
    @property
    def model(self) -> PictureSize: ...
    @property
    def files(self) -> Path | tuple[Path, ...]:
        """One video, or one or more images in the order of time."""

    @property
    def mask(self) -> Path | None: ...


@dataclass(frozen=True)
class FrameSet:
    """What all cameras saw at one instant.

    Attributes:
        index: of the instant, from 0.
        time: seconds from the first instant.
        images: by camera, (h, w, 3) uint8 sRGB at the footage's scale.
    """

    index: int
    time: Fraction
    images: dict[str, np.ndarray]


@dataclass(frozen=True)
class Footage:
    """All cameras of a rig in lockstep; `frames()` decodes.

    Attributes:
        sources: one per camera, in the order in which they were given.
        scale: pictures are this much smaller than the files.
        frame_rate: frames per second; None for a still.
        timestamps: seconds of each instant, the first is 0; exactly as the files have them.
        origin: where the first instant lies on the files' own clock, in seconds; a camera's sound track starts there.
        chosen: per camera (N,) int64, the frame of its file at each instant.
        masks: per camera (h, w) bool at the footage's scale, true where the picture is valid; None for all of it.
        sizes: per camera (w, h) in pixels at the footage's scale.
    """

    sources: tuple[VideoSource | ImageSource, ...]
    scale: Fraction
    frame_rate: Fraction | None
    timestamps: tuple[Fraction, ...]
    origin: Fraction
    chosen: dict[str, np.ndarray]
    masks: dict[str, np.ndarray | None]
    sizes: dict[str, tuple[int, int]]

    @property
    def frame_count(self) -> int:
        """How many instants there are."""
        return len(self.timestamps)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first instant to the end of the last, which is shown for 1 / frame_rate; 0 for a still."""
        return self.timestamps[-1] + 1 / self.frame_rate if self.frame_rate else Fraction(0)

    def frames(self, first: int = 0, count: int | None = None) -> Generator[FrameSet]:
        """Yields the instants `first`, `first` + 1, ... of all cameras, `count` of them or up to the end.

        One instant is decoded ahead while the caller works on the last one; nothing more is held.

        Raises:
            CaptureError: a camera's file is damaged or ends early; it names camera, frame and time.
        """
        instants = range(first, self.frame_count if count is None else min(self.frame_count, first + count))
        if first < 0 or not instants:
            return
        cores = os.cpu_count() or 1
        threads = min(_MOST_DECODER_THREADS, max(1, cores // len(self.sources)))
        window = slice(instants.start, instants.stop)
        streams = [source.pictures(self.chosen[source.name][window], threads=threads) for source in self.sources]
        pool = ThreadPoolExecutor(min(cores, len(streams)), thread_name_prefix="capture")
        try:
            ahead = [pool.submit(self._next, stream) for stream in streams]
            for index in instants:
                images = {source.name: future.result() for source, future in zip(self.sources, ahead, strict=True)}
                if index + 1 in instants:
                    ahead = [pool.submit(self._next, stream) for stream in streams]
                yield FrameSet(index=index, time=self.timestamps[index], images=images)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for stream in streams:
                # An interrupt while a thread starts leaves one that the pool does not know; it ends by itself.
                with suppress(ValueError):
                    stream.close()

    def _next(self, stream: Generator[np.ndarray, None, None]) -> np.ndarray:
        return shrink_picture(next(stream), self.scale)


def open_footage(
    cameras: Sequence[FilmedCamera],
    *,
    scale: float | Fraction = 1.0,
    start_s: float | Fraction = 0,
    frames: int | None = None,
    image_rate: Fraction | None = None,
) -> Footage:
    """Reads when each camera's frames are shown and pairs them; decodes nothing yet but masks.

    Args:
        cameras: with distinct names.
        scale: in (0, 1], see `encoder.capture.resize`.
        start_s: seconds to leave out at the start.
        frames: how many instants at most.
        image_rate: frames per second of image sequences, 30 where not given. It says nothing about videos and stills.

    Raises:
        CaptureError: footage is missing, unreadable, not of its calibration's size, or not in step.
        UsageError: there are no cameras, or `scale`, `start_s` or `frames` leave nothing.
    """
    if not cameras:
        raise UsageError("no cameras are left; leave fewer of them out")
    exact_scale = Fraction(scale).limit_denominator(1 << 20)
    sizes = {c.name: scaled_size(c.model.width, c.model.height, exact_scale) for c in cameras}
    files = {c.name: (c.files,) if isinstance(c.files, Path) else tuple(c.files) for c in cameras}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(cameras)), thread_name_prefix="capture") as pool:
        filmed = dict(zip(files, pool.map(lambda c: _is_video(c.name, files[c.name]), cameras), strict=True))
        _check_one_kind(filmed)
        sources: tuple[VideoSource | ImageSource, ...]
        if filmed[cameras[0].name]:
            videos = tuple(pool.map(lambda c: _open_video(c, files[c.name][0]), cameras))
            timelines = {video.name: video.timeline for video in videos}
            sources = videos
        else:
            sources = tuple(ImageSource(c.name, files[c.name], c.model.width, c.model.height) for c in cameras)
            timelines = {name: _image_timeline(len(paths), image_rate) for name, paths in files.items()}
            _check_counts(files)
        masks = dict(zip(files, pool.map(lambda c: _open_mask(c, exact_scale), cameras), strict=True))
    step: Lockstep = align(timelines, start=Fraction(start_s).limit_denominator(1_000_000), frames=frames)
    if image_rate is None and not filmed[cameras[0].name] and len(files[cameras[0].name]) > 1:
        log.warning("%d images per camera and no frame rate: taken as %s fps", len(files[cameras[0].name]), IMAGE_RATE)
    return Footage(
        sources=sources,
        scale=exact_scale,
        frame_rate=step.rate,
        timestamps=step.times,
        origin=step.origin,
        chosen=step.chosen,
        masks=masks,
        sizes=sizes,
    )


def _is_video(name: str, paths: tuple[Path, ...]) -> bool:
    """Whether a camera's only file is a video; libav decides by the content, an image has no container."""
    if not paths:
        raise CaptureError(f"{name} has no footage; give its video or images, or take the camera out of the rig")
    if len(paths) > 1:
        return False
    try:
        with av.open(f"file:{paths[0]}") as container:
            kind = container.format.name
    except FileNotFoundError:
        raise CaptureError(f"{name}: {paths[0]} is missing; put it back or take the camera out of the rig") from None
    except (av.error.FFmpegError, OSError) as error:
        reason = (error.strerror or "unknown format").lower()
        raise CaptureError(f"{name}: {paths[0]} is no readable video or image ({reason}); export it again") from error
    return not (kind.endswith("_pipe") or kind == "image2")


def _check_one_kind(filmed: dict[str, bool]) -> None:
    videos = [name for name, video in filmed.items() if video]
    images = [name for name, video in filmed.items() if not video]
    if videos and images:
        few, many = (videos, images) if len(videos) < len(images) else (images, videos)
        kinds = ("a video", "images") if few is videos else ("images", "videos")
        raise CaptureError(
            f"{few[0]} has {kinds[0]}, {many[0]} has {kinds[1]}; "
            f"give all cameras the same kind, or take {few[0]} out of the rig"
        )


def _check_counts(files: dict[str, tuple[Path, ...]]) -> None:
    counts = {name: len(paths) for name, paths in files.items()}
    usual = max(counts.values(), key=list(counts.values()).count)
    typical = next(name for name, count in counts.items() if count == usual)
    for name, count in counts.items():
        if count != usual:
            raise CaptureError(
                f"{name} has {count} images, {typical} has {usual}; give every camera one image per instant, "
                f"or take {name} out of the rig"
            )


def _open_video(camera: FilmedCamera, path: Path) -> VideoSource:
    timeline = read_timeline(path, owner=camera.name)
    width, height = camera.model.width, camera.model.height
    # A phone's file may be stored on its side; which way up it is, the first frame says.
    if {timeline.width, timeline.height} != {width, height}:
        raise wrong_size(camera.name, path, timeline.width, timeline.height, width, height)
    return VideoSource(camera.name, path, timeline, width, height)


def _image_timeline(count: int, rate: Fraction | None) -> Timeline:
    exact = Fraction(rate) if rate is not None else IMAGE_RATE
    if exact <= 0:
        raise UsageError(f"{exact} frames per second cannot be shown; give a rate above 0")
    return Timeline(
        stamps=np.arange(count, dtype=np.int64),
        time_base=1 / exact,
        rate=exact if count > 1 else None,
        constant=True,
        stamped=False,
        keys=np.empty((0, 2), np.int64),
        width=0,
        height=0,
    )


def _open_mask(camera: FilmedCamera, scale: Fraction) -> np.ndarray | None:
    if camera.mask is None:
        return None
    mask = read_mask(camera.mask, owner=camera.name, width=camera.model.width, height=camera.model.height)
    return shrink_mask(mask, scale)
