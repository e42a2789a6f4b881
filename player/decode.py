"""Coded pictures of one chunk become planes; pictures and geometry are paired by timestamp, never by arrival."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from protocol.chunk import Chunk, VideoAccessUnit
from protocol.errors import DisplayError, FormatError
from protocol.manifest import Rung

Plane = NDArray[np.uint8]

_DECODERS = {"h264": ("h264",), "hevc": ("hevc",), "av1": ("libdav1d", "av1")}
_FORMATS = ("yuv420p", "yuvj420p")
# Decoders round pictures up to whole coding blocks of at most this many pixels before they crop.
_BLOCK = 128


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded picture: which frame of its chunk, and uint8 planes without strides, U and V half size."""

    frame: int
    y: Plane
    u: Plane
    v: Plane


def decode_pictures(chunk: Chunk, rung: Rung, *, threads: int = 0) -> Generator[Picture, None, None]:
    """All pictures of a chunk in order of time, as soon as each is known.

    Access units stand in decoding order; B-pictures leave the decoder late. Each picture carries the timestamp of its
    access unit, and that alone says which frame it is.

    Args:
        threads: of the decoder; 0 chooses by the machine.

    Raises:
        FormatError: a picture is damaged, missing, there twice, or not of the rung's size; names chunk and time.
        DisplayError: this machine has no decoder for the rung's codec.
    """
    context = _context(rung, threads)
    expected = iter(sorted(unit.pts for unit in chunk.video))
    try:
        for unit in (*chunk.video, None):
            for frame in _decoded(context, unit, chunk):
                if frame.pts is None or frame.pts != next(expected, None):
                    raise FormatError(f"{_where(chunk, frame.pts)} is out of step with the geometry")
                yield _picture(frame, chunk, rung)
    finally:
        # Brings the decoder's threads to rest. PyAV hangs when it frees a decoder whose threads still work, as they do
        # after an error and where the caller stops early.
        context.flush_buffers()
    missing = next(expected, None)
    if missing is not None:
        raise FormatError(f"{_where(chunk, missing)} is missing from the video")


def _decoded(context: av.VideoCodecContext, unit: VideoAccessUnit | None, chunk: Chunk) -> list[VideoFrame]:
    """What the decoder gives for one access unit; for None, what it still holds."""
    packet = None
    if unit is not None:
        packet = av.Packet(unit.data)
        packet.pts = unit.pts
    try:
        return context.decode(packet)
    except av.FFmpegError as error:
        raise FormatError(f"{_where(chunk, unit.pts if unit else None)} is damaged ({error.strerror})") from error


def _context(rung: Rung, threads: int) -> av.VideoCodecContext:
    for name in _DECODERS[rung.codec]:
        try:
            context = av.CodecContext.create(name, "r")
        except av.codec.codec.UnknownCodecError:
            continue
        assert isinstance(context, av.VideoCodecContext)
        context.thread_type = "AUTO"
        context.thread_count = threads
        # Checked by the decoder before it allocates, so that a forged stream cannot claim a huge picture.
        context.options = {"max_pixels": str((rung.width + _BLOCK) * (rung.height + _BLOCK))}
        return context
    raise DisplayError(f"this machine has no {rung.codec} decoder; choose another rung or install PyAV from PyPI")


def _picture(frame: VideoFrame, chunk: Chunk, rung: Rung) -> Picture:
    where = _where(chunk, frame.pts)
    if frame.is_corrupt:
        raise FormatError(f"{where} is damaged")
    if (frame.width, frame.height) != (rung.width, rung.height):
        raise FormatError(f"{where} is {frame.width}x{frame.height}; the manifest says {rung.width}x{rung.height}")
    if frame.format.name not in _FORMATS:
        raise FormatError(f"{where} is {frame.format.name}; shows are 8 bit 4:2:0")
    y, u, v = (
        np.ascontiguousarray(
            np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        )
        for plane in frame.planes
    )
    return Picture(frame=int(frame.pts or 0), y=y, u=u, v=v)


def _where(chunk: Chunk, pts: int | None) -> str:
    known = pts is not None and 0 <= pts < len(chunk.frame_times)
    time = chunk.frame_times[pts] if known and pts is not None else chunk.start
    return f"chunk {chunk.index}, picture at {float(time):.3f} s"
