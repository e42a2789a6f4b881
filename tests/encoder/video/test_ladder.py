"""The ladder's plan: four rungs that fall in everything, each within what devices decode."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.atlas.picture import LARGE, STANDARD, Picture, picture_for
from encoder.video.codec_string import codec_string
from encoder.video.encode import encode_gop
from encoder.video.encoders import CODECS, DEFAULT_QUALITY, QUALITY_RANGE, Codec, CodecChoice
from encoder.video.ladder import (
    HALVING,
    LADDER_LARGE,
    MOST_SAMPLES,
    RungPlan,
    is_common,
    ladder,
    raised_quality,
    single_rung,
)

RATE = Fraction(30)
NAMES = ["full", "high", "medium", "low"]


def top(width: int, height: int) -> Picture:
    picture = picture_for(width, height, caps=LARGE)
    assert picture is not None
    return picture


def of(
    picture: Picture, *, codec: CodecChoice = "auto", rate: Fraction | None = RATE, quality: int | None = None
) -> tuple[RungPlan, ...]:
    return ladder(picture, codec=codec, quality=quality, frame_rate=rate)


def scales(plans: tuple[RungPlan, ...]) -> list[str]:
    return [str(plan.texture_scale) for plan in plans]


def test_a_top_that_everybody_decodes() -> None:
    plans = of(top(2960, 1488))
    assert [plan.name for plan in plans] == NAMES
    assert {plan.codec for plan in plans} == {"h264"}
    assert scales(plans) == ["1", "3/4", "1/2", "3/8"]
    assert [plan.most_bits for plan in plans] == [80_000_000, 40_000_000, 25_000_000, 15_000_000]
    assert [plan.quality for plan in plans] == [20, 22, 22, 23]
    assert [(plan.mesh, plan.leaf) for plan in plans] == [(1.0, 4), (pytest.approx(4 / 3), 8), (2.0, 8), (4.0, 16)]


def test_by_itself_a_top_beyond_level_5_2_is_av1_and_the_others_are_h264() -> None:
    plans = of(top(4256, 2112))
    assert [plan.name for plan in plans] == NAMES and scales(plans) == ["1", "1/2", "3/8", "1/4"]
    assert [plan.codec for plan in plans] == ["av1", "h264", "h264", "h264"]
    assert [plan.quality - DEFAULT_QUALITY[plan.codec] for plan in plans] == [0, 0, 0, 0]


@pytest.mark.parametrize("asked", CODECS)
def test_a_codec_that_is_asked_for_is_that_of_all_rungs(asked: Codec) -> None:
    assert {plan.codec for plan in of(top(4256, 2112), codec=asked)} == {asked}
    assert {plan.codec for plan in single_rung(top(4256, 2112), codec=asked, quality=None, frame_rate=RATE)} == {asked}


@given(
    st.integers(1, 512), st.integers(1, 512), st.sampled_from(["auto", *CODECS]),
    st.sampled_from([None, 24, 30, 60, 120]), st.sampled_from([None, 14, 30]),
)  # fmt: skip
def test_every_ladder(width: int, height: int, codec: CodecChoice, fps: int | None, quality: int | None) -> None:
    picture = picture_for(16 * width, 16 * height, caps=LADDER_LARGE)
    if picture is None:
        return
    rate = None if fps is None else Fraction(fps)
    plans = of(picture, codec=codec, rate=rate, quality=quality)
    assert plans[0].picture == picture and plans[0].texture_scale == 1
    assert [plan.name for plan in plans] == [name for name in NAMES if name in {plan.name for plan in plans}]
    for plan in plans:
        p, scale = plan.picture, float(plan.texture_scale)
        # What a reader takes the atlas to be: SPEC 6.4.
        assert int(p.colour_width / scale + 1e-6) >= picture.colour_width
        assert int(p.colour_height / scale + 1e-6) >= picture.colour_height
        assert picture_for(p.colour_width, p.colour_height, caps=LARGE) == p
        assert plan.mesh >= 1 and (plan.most_bits is None) == (rate is None)
    for above, below in pairwise(plans):
        assert below.picture.area < above.picture.area and below.texture_scale < above.texture_scale
        assert below.mesh > above.mesh and below.leaf >= above.leaf
        assert is_common(below.picture, below.codec, rate)
    usual = min(picture.width, picture.height) >= 512 and (fps or 0) <= 60
    assert len(plans) == 4 or not usual


def test_a_full_size_top_has_all_rungs_at_30_frames_a_second() -> None:
    for width, height in ((5904, 2960), (8192, 2128), (4096, 4272), (2128, 8192)):
        picture = picture_for(width, height, caps=LADDER_LARGE)
        assert picture is not None
        assert scales(of(picture)) == ["1", "1/2", "3/8", "1/4"]


def test_a_tiny_show_has_fewer_rungs() -> None:
    assert [plan.name for plan in of(top(112, 112))] == NAMES[:3]
    assert [plan.name for plan in of(top(96, 96))] == NAMES[:2]
    assert [plan.name for plan in of(top(48, 48))] == NAMES[:1]


def test_fast_footage_takes_smaller_pictures() -> None:
    assert scales(of(top(2960, 1488), rate=Fraction(120))) == ["1", "1/2", "3/8", "1/4"]
    assert scales(of(top(2960, 1488), rate=Fraction(900))) == ["1", "1/4"]
    assert [plan.codec for plan in of(top(2960, 1488), rate=Fraction(120))] == ["av1", "h264", "h264", "h264"]


def test_quality_is_that_of_the_top_and_moves_the_others_with_it() -> None:
    assert [plan.quality for plan in of(top(2960, 1488), quality=26)] == [26, 28, 28, 29]
    assert [plan.quality for plan in of(top(2960, 1488), quality=51)] == [51, 51, 51, 51]
    # AV1's default is 13 above that of H.264, and its steps are half as large.
    assert [plan.quality for plan in of(top(4256, 2112), quality=26)] == [45, 26, 26, 26]
    assert [plan.quality for plan in of(top(4256, 2112), codec="hevc", quality=26)] == [26, 26, 26, 26]
    assert [plan.quality for plan in of(top(2960, 1488), codec="av1")] == [33, 37, 37, 39]


def test_a_still_has_no_rate_to_keep_to() -> None:
    assert {plan.most_bits for plan in of(top(2960, 1488), rate=None)} == {None}


def test_one_rung_is_what_was_asked_for() -> None:
    (plan,) = single_rung(top(4256, 2112), codec="h264", quality=18, frame_rate=RATE)
    assert (plan.name, plan.codec, plan.quality, plan.most_bits) == ("full", "h264", 18, None)
    assert (plan.texture_scale, plan.mesh, plan.leaf) == (1, 1.0, 4)


def test_one_rung_by_itself_is_what_decodes_its_picture() -> None:
    found = [
        single_rung(top(*size), codec="auto", quality=quality, frame_rate=RATE)[0]
        for size in ((2960, 1488), (4256, 2112))
        for quality in (None, 17)
    ]
    assert [(plan.codec, plan.quality) for plan in found] == [("h264", 20), ("h264", 17), ("av1", 33), ("av1", 27)]


@pytest.mark.parametrize("codec", CODECS)
def test_the_quality_rises_with_what_is_too_much(codec: Codec) -> None:
    (plan,) = single_rung(top(256, 256), codec=codec, quality=None, frame_rate=RATE)
    assert raised_quality(plan, [(20, 2_000)], 1_000) == 20 + HALVING[codec]
    assert raised_quality(plan, [(20, 1_001)], 1_000) == 21
    assert raised_quality(plan, [(50, 10**9)], 1_000) == QUALITY_RANGE[codec][1]
    # Four steps took a quarter: the other half takes ten more.
    assert raised_quality(plan, [(20, 2_667), (24, 2_000)], 1_000) == 24 + 10
    assert raised_quality(plan, [(20, 2_000), (24, 2_000)], 1_000) == 24 + HALVING[codec]


@pytest.mark.parametrize(("codec", "most"), [("h264", 52), pytest.param("hevc", 156, marks=pytest.mark.slow)])
def test_the_stream_itself_says_level_5_2(codec: Codec, most: int) -> None:
    """The largest lower rung, at the highest rate that its codec's level takes."""
    width, height = 2960, 1504
    assert width * 2 * height <= STANDARD.area
    rate = Fraction(min(MOST_SAMPLES[codec] // (width * 2 * height), 120))
    planes = [np.full((2 * height // part, width // part), 100, np.uint8) for part in (1, 2, 2)]
    units = encode_gop([(planes[0], planes[1], planes[2])], codec=codec, quality=40, frame_rate=rate)
    text = codec_string(codec, units[0].data)
    level = int(text[-2:], 16) if codec == "h264" else int(text.split(".")[3].lstrip("LH"))
    assert level <= most
