"""Pictures that leave the player: PNG files, or a video."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from protocol.errors import StorageError, UsageError
from protocol.storage import reporting, write_file

_FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}
VIDEO_SUFFIXES = tuple(_FORMATS)


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) uint8 sRGB -> the bytes of a PNG file."""
    context = av.CodecContext.create("png", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.height, context.width = picture.shape[:2]
    context.pix_fmt = "rgb24"
    context.time_base = Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))


class PngFolder:
    """Numbered PNG files in a folder, which is made where it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def __enter__(self) -> PngFolder:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder} cannot be made ({error.strerror}); choose another place") from error
        return self

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Write the next picture, (H, W, 3) uint8 sRGB.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        write_file(self.folder / f"{self._count:06d}.png", encode_png(picture))
        self._count += 1

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""


class VideoFile:
    """An H.264 video at a constant rate, BT.709 limited range. Whole or not there: it is renamed into place."""

    def __init__(self, path: Path, *, rate: Fraction, quality: int = 18) -> None:
        self.path, self._rate, self._quality = path, rate, quality
        self._unfinished = path.with_name(f".{path.name}.tmp")
        self._file: BinaryIO | None = None
        self._container: av.container.OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._count = 0

    def __enter__(self) -> VideoFile:
        with reporting(self.path, "write"):
            self._file = self._unfinished.open("wb")
        self._container = av.open(self._file, "w", format=_FORMATS[self.path.suffix.lower()])
        return self

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Write the next picture, (H, W, 3) uint8 sRGB, all of one even size.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        if self._stream is None:
            self._stream = self._started(picture)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._mux(frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._container is not None and self._file is not None
        try:
            if kind is None and self._stream is not None:
                self._mux(None)
                with reporting(self.path, "write"):
                    self._container.close()
                    self._file.close()
                    self._unfinished.replace(self.path)
        finally:
            # The file first: a container whose file is closed writes no more.
            with suppress(OSError):
                self._file.close()
            self._container.close()
            self._unfinished.unlink(missing_ok=True)

    def _started(self, picture: NDArray[np.uint8]) -> VideoStream:
        assert self._container is not None
        height, width = picture.shape[:2]
        if width % 2 or height % 2:
            raise UsageError(f"videos of {width}x{height} cannot be coded; choose an even size")
        stream = self._container.add_stream("libx264", rate=self._rate, options={"crf": str(self._quality)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = 1 / self._rate
        stream.codec_context.colorspace = 1  # BT.709 in ITU-T H.273; range 1 is limited
        stream.codec_context.color_range = 1
        return stream

    def _mux(self, frame: av.VideoFrame | None) -> None:
        assert self._container is not None and self._stream is not None
        with reporting(self.path, "write"):
            self._container.mux(self._stream.encode(frame))


def open_pictures(path: Path, *, rate: Fraction) -> PngFolder | VideoFile:
    """A video where the path ends like one, else a folder of PNGs.

    Raises:
        UsageError: the path looks like a file of another kind.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFile(path, rate=rate)
    if path.suffix and not path.is_dir():
        raise UsageError(
            f"{path} is neither a folder nor a video; end it in {' '.join(VIDEO_SUFFIXES)} or a plain name"
        )
    return PngFolder(path)
