"""The chosen pictures of one camera, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from encoder.capture.pictures import read_picture, rgb_from_frame, upright
from encoder.capture.timeline import Timeline
from protocol.errors import CaptureError


@dataclass(frozen=True)
class VideoSource:
    """One camera's video file. `width` and `height` are the calibration's, in pixels."""

    name: str
    path: Path
    timeline: Timeline
    width: int
    height: int

    def pictures(self, chosen: np.ndarray, *, threads: int = 1) -> Generator[np.ndarray, None, None]:
        """Yields the frames `chosen` ((N,) int64, strictly ascending) as (height, width, 3) uint8 sRGB.

        Decoding starts at the last key frame that is not after the first of them. At most `threads` frames and those
        that the codec reorders are held.

        Raises:
            CaptureError: a frame is damaged or missing, or its size is not the calibration's.
        """
        if not len(chosen):
            return
        wanted = self.timeline.stamps[chosen]
        done = 0
        for seek in (True, False):
            for frame in self._wanted(wanted, chosen, seek=seek, threads=threads):
                yield self._upright(frame)
                done += 1
            if done:
                return
        raise self._lost(int(chosen[0]), "is not in it")

    def _wanted(self, wanted: np.ndarray, chosen: np.ndarray, *, seek: bool, threads: int) -> Iterator[VideoFrame]:
        """The frames whose stamps are `wanted`; nothing at all where the seek went beyond the first of them."""
        k = 0
        try:
            with av.open(f"file:{self.path}") as container:
                stream = container.streams.video[0]
                stream.codec_context.thread_count = threads
                if seek:
                    self._seek(container, stream, int(wanted[0]))
                for number, frame in enumerate(container.decode(stream)):
                    stamp = frame.pts if self.timeline.stamped else number
                    if stamp is None or stamp < wanted[k]:
                        continue
                    if stamp > wanted[k]:
                        if k == 0 and seek:
                            return
                        raise self._lost(int(chosen[k]), "is not in it")
                    if frame.is_corrupt:
                        raise self._lost(int(chosen[k]), "is damaged")
                    yield frame
                    k += 1
                    if k == len(wanted):
                        return
        except (av.error.FFmpegError, OSError) as error:
            reason = (error.strerror or "unknown error").lower()
            raise self._lost(int(chosen[k]), f"cannot be decoded ({reason})") from error
        raise self._lost(int(chosen[k]), "is not in it, it ends before")

    def _seek(self, container: av.container.InputContainer, stream: VideoStream, stamp: int) -> None:
        keys = self.timeline.keys
        usable = keys[keys[:, 0] <= stamp]
        # libav seeks by decoding time in some formats and by presentation time in others: the smaller suits all.
        if len(usable) and usable[-1, 0] > self.timeline.stamps[0]:
            container.seek(int(usable[-1].min()), stream=stream)

    def _upright(self, frame: VideoFrame) -> np.ndarray:
        picture = upright(rgb_from_frame(frame), frame.rotation, width=self.width, height=self.height)
        if picture is None:
            raise wrong_size(self.name, self.path, frame.width, frame.height, self.width, self.height)
        return picture

    def _lost(self, index: int, what: str) -> CaptureError:
        at = float(self.timeline.time(index) - self.timeline.start)
        return CaptureError(
            f"{self.name}: frame {index} ({at:.4f} s) of {self.path} {what}; "
            "copy or export the file again, or take the camera out of the rig"
        )


@dataclass(frozen=True)
class ImageSource:
    """One camera's image files, one per instant. `width` and `height` are the calibration's, in pixels."""

    name: str
    paths: tuple[Path, ...]
    width: int
    height: int

    def pictures(self, chosen: np.ndarray, *, threads: int = 1) -> Generator[np.ndarray, None, None]:
        """Yields the images `chosen` ((N,) int64) as (height, width, 3) uint8 sRGB.

        Raises:
            CaptureError: an image is missing, unreadable, or not of the calibration's size.
        """
        del threads  # one image is one task
        for index in chosen:
            path = self.paths[index]
            rgb, rotation = read_picture(path, owner=self.name)
            picture = upright(rgb, rotation, width=self.width, height=self.height)
            if picture is None:
                raise wrong_size(self.name, path, rgb.shape[1], rgb.shape[0], self.width, self.height)
            yield picture


def wrong_size(name: str, path: Path, width: int, height: int, model_width: int, model_height: int) -> CaptureError:
    """The error for footage that is not of the size that was calibrated."""
    return CaptureError(
        f"{name}: {path} is {width}x{height}, its calibration is for {model_width}x{model_height}; "
        "give the footage or the calibration of that size"
    )
