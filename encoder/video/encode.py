"""One chunk's pictures become one closed group of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from encoder.video.encoders import QUALITY_RANGE, SOFTWARE, Codec, encoder_options
from encoder.video.priority import same_priority
from protocol.errors import UsageError

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]

# Not the machine's cores: x264's output depends on it, and a show must come out the same anywhere.
ENCODER_THREADS = 4

_BT709, _LIMITED = 1, 1
_MANY_FRAMES = 1 << 16
_STILL_RATE = Fraction(1)


@dataclass(frozen=True)
class VideoAccessUnit:
    """What a decoder takes at once, in decoding order.

    Attributes:
        pts: which frame of the chunk it shows, from 0.
        key: decoding can start here; the first one of a chunk, and no other.
        data: an Annex B access unit (H.264, HEVC; parameter sets are in the key frame's) or an AV1 temporal unit.
    """

    pts: int
    key: bool
    data: bytes


class GopEncoder:
    """One group of pictures that is encoded while its pictures come in, so that several rungs share their making."""

    def __init__(
        self,
        *,
        codec: Codec,
        quality: int,
        frame_rate: Fraction | None,
        encoder: str | None = None,
        threads: int = ENCODER_THREADS,
    ) -> None:
        """Takes the settings, see `encode_gop`. Raises UsageError: the quality is out of range."""
        low, high = QUALITY_RANGE[codec]
        if not low <= quality <= high:
            raise UsageError(f"quality {quality} is no {codec} quality; give one from {low} (best) to {high}")
        self._name = encoder or SOFTWARE[codec]
        self._quality, self._threads = quality, threads
        self._rate = frame_rate or _STILL_RATE
        self._context: VideoCodecContext | None = None
        self._units: list[VideoAccessUnit] = []
        self._count = 0

    def add(self, planes: Planes) -> None:
        """Encodes the next picture. Raises as `encode_gop`."""
        frame = _frame(planes, self._count)
        if self._context is None:
            self._context = self._open(frame.width, frame.height)
            starting: AbstractContextManager[None] = same_priority()  # the first picture starts the encoder's threads
        elif (frame.width, frame.height) != (self._context.width, self._context.height):
            raise ValueError(
                f"picture {self._count} is {frame.width}x{frame.height}, "
                f"the first {self._context.width}x{self._context.height}"
            )
        else:
            starting = nullcontext()
        self._count += 1
        with starting:
            self._encode(self._context, frame)

    def finish(self) -> tuple[VideoAccessUnit, ...]:
        """All access units, in decoding order. Raises as `encode_gop`."""
        if self._context is None:
            raise ValueError("a group of pictures has at least one picture")
        self._encode(self._context, None)
        return tuple(self._units)

    def _open(self, width: int, height: int) -> VideoCodecContext:
        context = cast(VideoCodecContext, av.CodecContext.create(self._name, "w"))
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = self._rate, 1 / self._rate
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        context.gop_size = _MANY_FRAMES
        context.thread_count = self._threads
        context.options = encoder_options(self._name, quality=self._quality, threads=self._threads)
        return context

    def _encode(self, context: VideoCodecContext, frame: av.VideoFrame | None) -> None:
        try:
            self._units += _units(context, frame)
        except av.error.FFmpegError as error:
            reason = (error.strerror or "unknown error").lower()
            raise UsageError(
                f"{self._name} does not encode pictures of {context.width}x{context.height} ({reason}); "
                "take another codec or encoder"
            ) from error


def encode_gop(
    pictures: Iterable[Planes],
    *,
    codec: Codec,
    quality: int,
    frame_rate: Fraction | None,
    encoder: str | None = None,
    threads: int = ENCODER_THREADS,
) -> tuple[VideoAccessUnit, ...]:
    """Encodes the pictures of one chunk, 8 bit 4:2:0, BT.709 limited range, chroma at the centre.

    The same pictures and settings give the same bytes (the software encoders; NVENC on the same machine).

    Args:
        pictures: (Y (H, W), U (H/2, W/2), V (H/2, W/2)) uint8 of each frame; taken one by one.
        codec: "h264", "hevc" or "av1".
        quality: constant rate factor, smaller is better; see `encoders.DEFAULT_QUALITY`.
        frame_rate: frames per second, for the rate control and the level; None for a still.
        encoder: from `choose_encoder`; the software one where not given.
        threads: part of the settings, see `ENCODER_THREADS`.

    Raises:
        UsageError: the quality is out of range, or the encoder does not take such pictures.
        ValueError: no pictures, or planes that do not fit each other.
    """
    group = GopEncoder(codec=codec, quality=quality, frame_rate=frame_rate, encoder=encoder, threads=threads)
    for planes in pictures:
        group.add(planes)
    return group.finish()


def _frame(planes: Planes, index: int) -> av.VideoFrame:
    height, width = planes[0].shape
    half = (height // 2, width // 2)
    if height % 2 or width % 2 or planes[1].shape != half or planes[2].shape != half:
        raise ValueError(
            f"picture {index} has planes of {[p.shape for p in planes]}; chroma has half the sides of luma"
        )
    frame = av.VideoFrame(width, height, "yuv420p")
    for target, source in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
        rows[: source.shape[0], : source.shape[1]] = source
    frame.pts = index
    frame.colorspace = frame.color_primaries = frame.color_trc = _BT709
    frame.color_range = _LIMITED
    return frame


def _units(context: VideoCodecContext, frame: av.VideoFrame | None) -> Iterator[VideoAccessUnit]:
    for packet in context.encode(frame):
        if packet.pts is None:
            raise ValueError(f"{context.name} gave a packet without a time")
        yield VideoAccessUnit(pts=packet.pts, key=packet.is_keyframe, data=bytes(packet))
