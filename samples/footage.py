"""Writes pictures, videos and sound of the sample rigs. The same pictures give the same bytes."""

from __future__ import annotations

import math
import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix alike
_LIMITED = 1
_EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


def write_png(path: Path, picture: Picture) -> None:
    """(H, W, 3) uint8 sRGB."""
    codec = av.CodecContext.create("png", "w")
    codec.height, codec.width, codec.pix_fmt, codec.time_base = *picture.shape[:2], "rgb24", Fraction(1)
    packets = [*codec.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")), *codec.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))


def write_video(path: Path, pictures: Iterable[Picture], *, rate: Fraction, crf: int = 10) -> None:
    """H.264, yuv420p, BT.709 limited range; picture k is shown at k / rate seconds.

    Args:
        pictures: (H, W, 3) uint8 sRGB each, H and W even.
        crf: x264's constant rate factor, smaller is better.
    """
    with av.open(path, "w", options={"fflags": "+bitexact"}) as container:
        stream = None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream("libx264", rate=rate)
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
                # One thread: with more, x264's output depends on their number.
                stream.options = {"crf": str(crf), "preset": "medium", "threads": "1"}
                context = stream.codec_context
                context.time_base = 1 / rate
                context.colorspace = context.color_primaries = context.color_trc = _BT709
                context.color_range = _LIMITED
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                interpolation=_EXACT,
            )
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def write_tone(path: Path, *, duration_s: float, sample_rate: int = 48000) -> None:
    """A stereo WAV, 16 bit: 440 Hz left and 660 Hz right, for the first half of every second."""
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    sounding = 0.3 * (np.mod(time, 1.0) < 0.5)
    tones = np.stack([sounding * np.sin(2 * math.pi * pitch * time) for pitch in (440.0, 660.0)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(32767 * tones).astype("<i2").tobytes())
