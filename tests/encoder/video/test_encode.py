from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from encoder.video.codec_string import codec_string
from encoder.video.encode import GopEncoder, Planes, VideoAccessUnit, encode_gop
from encoder.video.encoders import CODECS, DEFAULT_QUALITY, Codec, check_picture, choose_encoder
from protocol.errors import UsageError

WIDTH, HEIGHT = 192, 128
DECODERS = {"h264": "h264", "hevc": "hevc", "av1": "libdav1d"}


def scene(count: int) -> Iterator[Planes]:
    """A smooth texture that moves by a pixel a frame."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    for k in range(count):
        luma = 126 + 60 * np.sin((columns + k) / 7) * np.cos(rows / 9) + 20 * np.sin((rows + columns) / 3)
        cb = 128 + 40 * np.sin(columns[::2, ::2] / 23)
        yield luma.astype(np.uint8), cb.astype(np.uint8), np.full((HEIGHT // 2, WIDTH // 2), 100, np.uint8)


def decoded(units: tuple[VideoAccessUnit, ...], codec: Codec) -> dict[int, av.VideoFrame]:
    context = cast(VideoCodecContext, av.CodecContext.create(DECODERS[codec], "r"))
    frames: list[av.VideoFrame] = []
    for unit in units:
        packet = av.Packet(unit.data)
        packet.pts = unit.pts
        frames += context.decode(packet)
    frames += context.decode(None)
    return {cast(int, frame.pts): frame for frame in frames}


@pytest.fixture(scope="module", params=CODECS)
def encoded(request: pytest.FixtureRequest) -> tuple[Codec, tuple[VideoAccessUnit, ...]]:
    codec: Codec = request.param
    units = encode_gop(scene(10), codec=codec, quality=DEFAULT_QUALITY[codec], frame_rate=Fraction(30))
    return codec, units


def test_all_frames_come_back(encoded: tuple[Codec, tuple[VideoAccessUnit, ...]]) -> None:
    codec, units = encoded
    assert [unit.key for unit in units] == [True] + [False] * 9
    assert sorted(unit.pts for unit in units) == list(range(10))
    assert units[0].pts == 0
    frames = decoded(units, codec)
    assert sorted(frames) == list(range(10))
    for k, (luma, _, _) in enumerate(scene(10)):
        error = frames[k].to_ndarray()[:HEIGHT].astype(float) - luma
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 40


def test_a_frame_says_what_its_colours_are(encoded: tuple[Codec, tuple[VideoAccessUnit, ...]]) -> None:
    codec, units = encoded
    frame = decoded(units, codec)[0]
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    assert frame.format.name == "yuv420p"


def test_the_same_pictures_give_the_same_bytes(encoded: tuple[Codec, tuple[VideoAccessUnit, ...]]) -> None:
    codec, units = encoded
    assert units == encode_gop(scene(10), codec=codec, quality=DEFAULT_QUALITY[codec], frame_rate=Fraction(30))


@pytest.mark.parametrize("codec", CODECS)
def test_no_encoder_makes_itself_real_time(codec: Codec) -> None:
    """Root may, and SVT-AV1 does: every core would be its own, and what is started later inherits that."""
    gop = GopEncoder(codec=codec, quality=30, frame_rate=Fraction(30))
    for planes in scene(3):
        gop.add(planes)
        threads = [int(path.name) for path in Path("/proc/self/task").iterdir()]
        assert not {os.sched_getscheduler(thread) for thread in threads} & {os.SCHED_FIFO, os.SCHED_RR}
    gop.finish()


def test_codec_strings(encoded: tuple[Codec, tuple[VideoAccessUnit, ...]]) -> None:
    codec, units = encoded
    expected = {"h264": "avc1.6400", "hevc": "hvc1.1.6.L", "av1": "av01.0.0"}
    text = codec_string(codec, units[0].data)
    assert text.startswith(expected[codec])
    with pytest.raises(ValueError, match="no key frame"):
        codec_string(codec, units[1].data)


def test_a_parameter_set_lies_in_front_of_every_key_frame() -> None:
    units = encode_gop(scene(1), codec="h264", quality=20, frame_rate=None)
    kinds = [unit[0] & 31 for unit in units[0].data.split(b"\0\0\1")[1:]]
    assert kinds[:2] == [7, 8] or kinds[:3] == [9, 7, 8]
    assert kinds[-1] == 5


@pytest.mark.parametrize(
    ("codec", "unit", "text"),
    [
        ("h264", "00000001 67 640034 ac00", "avc1.640034"),
        # Main tier and high tier, level 5.2; the emulation prevention byte is no part of the profile.
        ("hevc", "00000001 4201 01 01 60000003 00 900000030000 0300 9c", "hvc1.1.6.L156.90"),
        ("hevc", "00000001 4201 01 22 20000003 00 b00000030000 0300 b4", "hvc1.2.4.H180.B0"),
        # Sequence header: profile 0, level index 16 (6.0), main tier and high tier.
        ("av1", "1200 0a06 000000 800000", "av01.0.16M.08"),
        ("av1", "1200 0a06 000000 840000", "av01.0.16H.08"),
    ],
)
def test_golden_codec_strings(codec: Codec, unit: str, text: str) -> None:
    assert codec_string(codec, bytes.fromhex(unit.replace(" ", ""))) == text


def test_impossible_settings_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="quality 99 is no h264 quality; give one from 0"):
        encode_gop(scene(1), codec="h264", quality=99, frame_rate=None)
    with pytest.raises(ValueError, match="at least one picture"):
        encode_gop(iter(()), codec="h264", quality=20, frame_rate=None)
    odd = (np.zeros((15, 16), np.uint8), np.zeros((7, 8), np.uint8), np.zeros((7, 8), np.uint8))
    with pytest.raises(ValueError, match="picture 0 has planes"):
        encode_gop([odd], codec="h264", quality=20, frame_rate=None)


def test_pictures_that_no_device_decodes(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageError, match="8208x1024 is more than decoders take"):
        check_picture("hevc", width=8208, height=1024, frame_rate=Fraction(30))
    with pytest.raises(UsageError, match="8192x8192"):
        check_picture("av1", width=8192, height=8192, frame_rate=Fraction(30))
    check_picture("h264", width=4096, height=2160, frame_rate=Fraction(60))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        check_picture("h264", width=4112, height=1024, frame_rate=Fraction(30))
    assert "beyond h264 level 5.2: take hevc or av1" in caplog.text


def test_hardware_is_used_only_where_it_works() -> None:
    assert choose_encoder("h264", backend="software") == "libx264"
    name = choose_encoder("h264")
    assert name in ("libx264", "h264_nvenc")
    if name == "libx264":
        with pytest.raises(UsageError, match="NVENC makes no h264 on this machine"):
            choose_encoder("h264", backend="nvenc")
