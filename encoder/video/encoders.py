"""Which encoder makes a codec on this machine, and how it is set."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Literal, cast

import av
from av.video.codeccontext import VideoCodecContext

from protocol.errors import UsageError

log = logging.getLogger(__name__)

Codec = Literal["h264", "hevc", "av1"]
CodecChoice = Literal["auto", "h264", "hevc", "av1"]
Backend = Literal["auto", "software", "nvenc"]

CODECS: tuple[Codec, ...] = ("h264", "hevc", "av1")
SOFTWARE: dict[Codec, str] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}

# Chosen by what the viewer loses (`lfv bench --only codecs`): 0.1 to 0.2 dB of views that no camera filmed. A step of 6
# (12 for AV1) doubles the rate.
DEFAULT_QUALITY: dict[Codec, int] = {"h264": 20, "hevc": 22, "av1": 33}
QUALITY_RANGE: dict[Codec, tuple[int, int]] = {"h264": (0, 51), "hevc": (0, 51), "av1": (1, 63)}

# What decoders can be relied on for (DESIGN section 4): level 5.2 of H.264 and HEVC for the lower rungs, level 6 above.
MOST_SIDE = 8192
MOST_PIXELS = 35_651_584
COMMON_SIDE = 4096
COMMON_PIXELS = 8_912_896
COMMON_SAMPLES_PER_S = 1_069_547_520


def check_picture(codec: Codec, *, width: int, height: int, frame_rate: Fraction | None) -> None:
    """Checks a picture size, in pixels, against what devices decode.

    It warns in the log where the picture is beyond level 5.2.

    Raises:
        UsageError: no device decodes it.
    """
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise UsageError(
            f"a picture of {width}x{height} is more than decoders take (side {MOST_SIDE}, {MOST_PIXELS / 1e6:.1f} "
            "million pixels); lower the scale, the layers or the pixels per degree"
        )
    rate = float(frame_rate or 0)
    if (
        max(width, height) > COMMON_SIDE
        or width * height > COMMON_PIXELS
        or width * height * rate > COMMON_SAMPLES_PER_S
    ):
        advice = "take hevc or av1, or make it smaller" if codec == "h264" else "only devices with level 6 decode it"
        log.warning("a picture of %dx%d at %.3g fps is beyond %s level 5.2: %s", width, height, rate, codec, advice)


def choose_encoder(codec: Codec, *, backend: Backend = "auto") -> str:
    """libav's name of the encoder to use: NVENC where it works and `backend` allows it, else the software one.

    Raises:
        UsageError: `backend` is "nvenc" and this machine has none that works.
    """
    if backend == "software":
        return SOFTWARE[codec]
    hardware = f"{codec}_nvenc"
    if _works(hardware):
        return hardware
    if backend == "nvenc":
        raise UsageError(f"NVENC makes no {codec} on this machine; take another codec or the software encoder")
    return SOFTWARE[codec]


def encoder_options(name: str, *, quality: int, threads: int) -> dict[str, str]:
    """The options of encoder `name` for constant quality, one closed group of pictures and repeatable output.

    Scene cuts insert no key frames; psychovisual tricks are off, because they move texture that is then blended.
    """
    return _OPTIONS[name](quality, threads)


@lru_cache
def _works(name: str) -> bool:
    """Whether encoder `name` encodes a small picture: a wheel has NVENC compiled in wherever it runs."""
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
        context.time_base = Fraction(1, 30)
        context.options = encoder_options(name, quality=30, threads=1)
        frame = av.VideoFrame(256, 256, "yuv420p")
        frame.pts = 0
        return bool([*context.encode(frame), *context.encode()])
    except (av.error.FFmpegError, ValueError) as error:
        log.debug("%s does not work here: %s", name, error)
        return False


def _libx264(quality: int, threads: int) -> dict[str, str]:
    del threads  # libav hands on its own thread count
    # chromaloc 1 is the centre (H.264 annex E, figure E-1).
    params = (
        "keyint=infinite:scenecut=0:psy=0:chromaloc=1:colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off"
    )
    return {"preset": "medium", "crf": str(quality), "x264-params": params}


def _libx265(quality: int, threads: int) -> dict[str, str]:
    # frame-threads changes the output, and would follow the number of cores; the pool does not change it.
    params = (
        f"log-level=none:keyint=-1:scenecut=0:open-gop=0:repeat-headers=1:info=0:frame-threads=2:pools={threads}:"
        "psy-rd=0:psy-rdoq=0:chromaloc=1:colorprim=bt709:transfer=bt709:colormatrix=bt709:range=limited"
    )
    return {"preset": "fast", "crf": str(quality), "x265-params": params}


def _libsvtav1(quality: int, threads: int) -> dict[str, str]:
    os.environ.setdefault("SVT_LOG", "1")  # errors only; it writes to stderr by itself
    return {"preset": "8", "crf": str(quality), "svtav1-params": f"tune=1:keyint=-1:scd=0:lp={threads}"}


def _nvenc(quality: int, threads: int) -> dict[str, str]:
    del threads
    return {"preset": "p6", "tune": "hq", "rc": "vbr", "cq": str(quality), "no-scenecut": "1", "strict_gop": "1"}


_OPTIONS: dict[str, Callable[[int, int], dict[str, str]]] = {
    "libx264": _libx264,
    "libx265": _libx265,
    "libsvtav1": _libsvtav1,
    "h264_nvenc": _nvenc,
    "hevc_nvenc": _nvenc,
    "av1_nvenc": _nvenc,
}
