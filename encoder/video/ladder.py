"""The rungs of a show: texture scale, quality and mesh density together, within what devices decode (DESIGN 4).

Measured on a still of 20 cameras whose picture of 18 million pixels takes 15.4 Mbit at scale 1 and CRF 20: scale 3/4
takes 0.63 of that, 1/2 takes 0.37, 3/8 takes 0.25, 1/4 takes 0.14, and a step of 3 in CRF takes 0.78. The qualities
below make of that about the shares 1/2, 1/3 and 1/5 of the table's rates. Leaves of 8 texels take a third of the
triangles of leaves of 4 and lose 0.07 dB at scale 3/4; leaves of 16 take a sixth and lose 0.03 dB at scale 3/8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from encoder.atlas.picture import STANDARD, Picture, PictureCaps, picture_for
from encoder.video.encoders import DEFAULT_QUALITY, QUALITY_RANGE, Codec, CodecChoice

# What "auto" means: H.264 is decoded everywhere, in hardware up to level 5.2. Of what is larger, AV1 takes least bits:
# at the same quality of rendered views 15 % less than HEVC, half of H.264 (dome46_studio, `lfv bench --only codecs`).
COMMON_CODEC: Codec = "h264"
LARGE_CODEC: Codec = "av1"

# The largest top picture with a ladder below: half of it is within level 5.2 even where it is rounded up to blocks.
LADDER_LARGE = PictureCaps(side=8192, area=35_000_000)

# Luma samples per second of level 5.2: H.264 table A-1 (MaxMBPS), H.265 table A.9, AV1 annex A.3 (MaxDisplayRate).
MOST_SAMPLES: dict[Codec, int] = {"h264": 2_073_600 * 256, "hevc": 1_069_547_520, "av1": 1_069_547_520}

# By how much a quality has to rise for half of the bits.
HALVING: dict[Codec, int] = {"h264": 6, "hevc": 6, "av1": 12}

_LEAST_SIDE = 64  # of a picture; encoders of HEVC and AV1 take no smaller ones


@dataclass(frozen=True)
class Step:
    """One step of the ladder.

    Attributes:
        scales: texture scales, the best first, each with what it adds to the quality, in steps of H.264.
        mesh: what the tolerance of the meshes is multiplied with, beside 1 / texture scale.
        leaf: the smallest cells of the meshes, texels.
        most_bits: per second, of a show of full size; smaller ones stay below by themselves.
    """

    name: str
    scales: tuple[tuple[Fraction, int], ...]
    mesh: float
    leaf: int
    most_bits: int


_3_4, _1_2, _3_8, _1_4 = Fraction(3, 4), Fraction(1, 2), Fraction(3, 8), Fraction(1, 4)

STEPS = (
    Step("full", ((Fraction(1), 0),), mesh=1.0, leaf=4, most_bits=80_000_000),
    Step("high", ((_3_4, 2), (_1_2, 0), (_3_8, 0), (_1_4, 0)), mesh=1.0, leaf=8, most_bits=40_000_000),
    Step("medium", ((_1_2, 2), (_3_8, 0), (_1_4, 0)), mesh=1.0, leaf=8, most_bits=25_000_000),
    Step("low", ((_3_8, 3), (_1_4, 0)), mesh=1.5, leaf=16, most_bits=15_000_000),
)


@dataclass(frozen=True)
class RungPlan:
    """What a rung is to be, the same for all chunks of a show.

    Attributes:
        quality: of the codec, smaller is better.
        texture_scale: picture pixels per texel of the atlas.
        picture: sizes at that scale.
        mesh: what the tolerance of the meshes is multiplied with; leaf: their smallest cells, texels.
        most_bits: per second, geometry included; None where quality alone decides.
    """

    name: str
    codec: Codec
    quality: int
    texture_scale: Fraction
    picture: Picture
    mesh: float
    leaf: int
    most_bits: int | None


def single_rung(
    picture: Picture, *, codec: CodecChoice, quality: int | None, frame_rate: Fraction | None
) -> tuple[RungPlan, ...]:
    """The one rung of a show without a ladder, with its picture; arguments as for `ladder`."""
    top = STEPS[0]
    asked, used = _codecs(picture, codec, frame_rate)
    chosen = _quality(asked, used, quality, 0)
    return (RungPlan(top.name, used, chosen, Fraction(1), picture, top.mesh, top.leaf, None),)


def ladder(
    picture: Picture, *, codec: CodecChoice, quality: int | None, frame_rate: Fraction | None
) -> tuple[RungPlan, ...]:
    """The rungs below and with the top picture `picture`, best first, of falling texture scale.

    The top keeps its size. All others are within level 5.2 of their codec. A step is left out where no scale fits, and
    where its picture would be as large as the one before or too small for an encoder.

    Args:
        codec: of all rungs; "auto" is H.264, and AV1 for a top that level 5.2 does not hold.
        quality: of the top in `codec` (H.264 where that is "auto"), None for its default.
        frame_rate: None for a still, which has no bitrate to keep to.
    """
    asked, top_codec = _codecs(picture, codec, frame_rate)
    plans: list[RungPlan] = []
    for step in STEPS:
        used = asked if plans else top_codec
        for scale, worse in step.scales:
            small = picture if not plans else scaled_picture(picture, scale)
            if plans and not _follows(small, scale, plans[-1], used, frame_rate):
                continue
            plans.append(
                RungPlan(
                    name=step.name,
                    codec=used,
                    quality=_quality(asked, used, quality, worse),
                    texture_scale=scale,
                    picture=small,
                    mesh=step.mesh / float(scale),
                    leaf=step.leaf,
                    most_bits=None if frame_rate is None else step.most_bits,
                )
            )
            break
    return tuple(plans)


def scaled_picture(picture: Picture, scale: Fraction) -> Picture:
    """The picture whose colour region holds that of `picture` at a texture scale: rounded up to blocks of 16."""
    width, height = (math.ceil(side * scale / 16) * 16 for side in (picture.colour_width, picture.colour_height))
    # One of the two arrangements is never larger than `picture`, whatever its sides are.
    caps = PictureCaps(side=max(picture.width, picture.height), area=picture.area)
    small = picture_for(width, height, caps=STANDARD) or picture_for(width, height, caps=caps)
    assert small is not None
    return small


def is_common(picture: Picture, codec: Codec, frame_rate: Fraction | None) -> bool:
    """Whether level 5.2 of the codec holds it: what devices can be relied on to decode."""
    within = max(picture.width, picture.height) <= STANDARD.side and picture.area <= STANDARD.area
    return within and picture.area * (frame_rate or 0) <= MOST_SAMPLES[codec]


def raised_quality(plan: RungPlan, tried: Sequence[tuple[int, int]], most: float) -> int:
    """The quality at which a group may take at most `most` bits; the worst there is at the end.

    Args:
        tried: at least one quality with the bits that it took, more than `most`; the last one counts, and how much it
            gained over the one before where there is one.
    """
    quality, bits = tried[-1]
    halving = float(HALVING[plan.codec])
    if len(tried) > 1 and tried[-2][1] > bits:
        halving = (quality - tried[-2][0]) / math.log2(tried[-2][1] / bits)
    return min(QUALITY_RANGE[plan.codec][1], quality + max(1, math.ceil(halving * math.log2(bits / most))))


def _codecs(picture: Picture, choice: CodecChoice, frame_rate: Fraction | None) -> tuple[Codec, Codec]:
    """The codec in which a quality is told, and that of a show's best rung."""
    if choice != "auto":
        return choice, choice
    return COMMON_CODEC, COMMON_CODEC if is_common(picture, COMMON_CODEC, frame_rate) else LARGE_CODEC


def _follows(picture: Picture, scale: Fraction, above: RungPlan, codec: Codec, frame_rate: Fraction | None) -> bool:
    """Whether a picture is a rung of its own below another."""
    size, above_size = ((p.colour_width, p.colour_height) for p in (picture, above.picture))
    large_enough = min(picture.width, picture.height) >= _LEAST_SIDE
    return scale < above.texture_scale and size != above_size and large_enough and is_common(picture, codec, frame_rate)


def _quality(asked: Codec, used: Codec, quality: int | None, worse: int) -> int:
    """The quality of a rung: as far from its codec's default as `quality` is from that of `asked`, and `worse`."""
    off = 0.0 if quality is None else (quality - DEFAULT_QUALITY[asked]) / HALVING[asked]
    low, high = QUALITY_RANGE[used]
    return min(high, max(low, DEFAULT_QUALITY[used] + round(HALVING[used] * (off + worse / HALVING["h264"]))))
