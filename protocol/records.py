"""The records inside a manifest: cameras, rungs, sound, thumbnails, the encoder's own figures. SPEC section 4.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from protocol import limits
from protocol.budget import Cost, cost_from_fields, cost_to_document
from protocol.errors import FormatError
from protocol.fields import Document, Fields, integer, number

Codec = Literal["h264", "hevc", "av1"]

CODECS = ("h264", "hevc", "av1")
PICTURE_MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
SOUND_RATES = (8000, 12000, 16000, 24000, 48000)


@dataclass(frozen=True, eq=False)
class CameraRecord:
    """A camera of the rig, as calibrated.

    Attributes:
        model: {"kind", "width", "height", "params"}, see `encoder.rig.models`; opaque here beyond these types.
        T_show_camera: (4, 4) float64, OpenCV camera frame to show frame.
        held_out: the encoder never saw its footage.
    """

    name: str
    model: Mapping[str, object]
    T_show_camera: NDArray[np.float64]
    held_out: bool = False


@dataclass(frozen=True)
class Rung:
    """One rate of the ladder. All its pictures have one size; the atlas layout is per chunk, in the geometry.

    Attributes:
        codec_string: RFC 6381, for WebCodecs and MSE, e.g. "avc1.640033".
        width, height: coded picture as it is shown, pixels.
        colour_width, colour_height: the colour region, at (0, 0) of the picture.
        alpha_x, alpha_y: where the alpha region starts; it has the size of the colour region.
        texture_scale: picture pixels per texel of the layers' grid, in (0, 1].
        bits_per_second: mean of all its segments.
        cost: of drawing it; None where it is not known.
    """

    name: str
    codec: Codec
    codec_string: str
    width: int
    height: int
    colour_width: int
    colour_height: int
    alpha_x: int
    alpha_y: int
    texture_scale: float
    bits_per_second: int
    cost: Cost | None = None


@dataclass(frozen=True)
class Sound:
    """Opus packets in the chunks. `pre_skip` samples at 48 kHz are to be dropped at the show's start."""

    codec: Literal["opus"]
    sample_rate: int
    channels: int
    pre_skip: int


@dataclass(frozen=True)
class Thumbnail:
    """What is to be seen from the origin at a time of the show, seconds: a small JPEG or PNG."""

    time: Fraction
    image: bytes


@dataclass(frozen=True)
class StageFigure:
    """PSNR in dB of one camera's frame after two stages of the encoder, before the codec."""

    camera: str
    frame: int
    held_out: bool
    msi_psnr: float
    layers_psnr: float


def camera_to_document(camera: CameraRecord) -> Document:
    model = camera.model
    return {
        "name": camera.name,
        "model": {key: list(v) if isinstance(v, tuple | list) else v for key, v in model.items()},
        "T_show_camera": matrix_to_list(camera.T_show_camera),
        "held_out": camera.held_out,
    }


def camera_from_fields(f: Fields) -> CameraRecord:
    model = f.map("model")
    checked = {
        "kind": model.text("kind", empty=False),
        "width": model.integer("width", low=1, high=limits.MAX_GRID_SIDE),
        "height": model.integer("height", low=1, high=limits.MAX_GRID_SIDE),
        "params": model.numbers("params", least=1, most=limits.MAX_CAMERA_PARAMS),
    }
    return CameraRecord(f.text("name", empty=False), checked, f.pose("T_show_camera"), f.flag("held_out"))


def rung_to_document(rung: Rung) -> Document:
    cost = None if rung.cost is None else cost_to_document(rung.cost)
    return {**vars(rung), "texture_scale": float(rung.texture_scale), "cost": cost}


def rung_from_fields(f: Fields) -> Rung:
    side = limits.MAX_PICTURE_SIDE
    rung = Rung(
        name=f.text("name", empty=False),
        codec=cast(Codec, f.text("codec", choices=CODECS)),
        codec_string=f.text("codec_string"),
        width=f.integer("width", low=2, high=side),
        height=f.integer("height", low=2, high=side),
        colour_width=f.integer("colour_width", low=1, high=side),
        colour_height=f.integer("colour_height", low=1, high=side),
        alpha_x=f.integer("alpha_x", low=0, high=side),
        alpha_y=f.integer("alpha_y", low=0, high=side),
        texture_scale=f.real("texture_scale", low=1e-3, high=1.0),
        bits_per_second=f.integer("bits_per_second", low=0, high=limits.MAX_BITS_PER_SECOND),
        cost=cost_from_fields(f.map("cost")) if f.has("cost") and f.get("cost") is not None else None,
    )
    if rung.width % 2 or rung.height % 2:
        raise FormatError(f"{f.path} has an odd picture size; 4:2:0 needs even sides")
    right, bottom = rung.alpha_x + rung.colour_width, rung.alpha_y + rung.colour_height
    if right > rung.width or bottom > rung.height:
        raise FormatError(f"{f.path} has its alpha region outside the picture of {rung.width}x{rung.height}")
    if rung.alpha_x < rung.colour_width and rung.alpha_y < rung.colour_height:
        raise FormatError(f"{f.path} has its alpha region over its colour region")
    return rung


def sound_to_document(sound: Sound) -> Document:
    return dict(vars(sound))


def sound_from_fields(f: Fields) -> Sound:
    return Sound(
        codec=cast(Literal["opus"], f.text("codec", choices=("opus",))),
        sample_rate=_integer_of(f, "sample_rate", SOUND_RATES),
        channels=f.integer("channels", low=1, high=8),
        pre_skip=f.integer("pre_skip", low=0, high=65535),
    )


def _integer_of(f: Fields, key: str, choices: tuple[int, ...]) -> int:
    """An integer that is one of `choices`."""
    value = integer(f.get(key), f.name(key), low=min(choices), high=max(choices))
    if value not in choices:
        raise FormatError(f"{f.name(key)} is {value}; it must be one of {', '.join(map(str, choices))}")
    return value


def thumbnail_to_document(thumbnail: Thumbnail) -> Document:
    return {"time": fraction_to_pair(thumbnail.time), "image": thumbnail.image}


def thumbnail_from_fields(f: Fields) -> Thumbnail:
    time = f.fraction("time", above=-1, high=limits.MAX_DURATION_S)
    if time < 0:
        raise FormatError(f"{f.name('time')} is before the show")
    return Thumbnail(time, picture(f, "image", most=limits.MAX_THUMBNAIL_BYTES))


def picture(f: Fields, key: str, *, most: int, empty: bool = False) -> bytes:
    """A JPEG or PNG of at most `most` bytes."""
    data = f.blob(key, most=most)
    if not data.startswith(PICTURE_MAGICS) and (data or not empty):
        raise FormatError(f"{f.name(key)} is neither JPEG nor PNG")
    return data


def stage_to_document(figure: StageFigure) -> Document:
    return {**vars(figure), "msi_psnr": float(figure.msi_psnr), "layers_psnr": float(figure.layers_psnr)}


def stage_from_fields(f: Fields) -> StageFigure:
    return StageFigure(
        camera=f.text("camera", empty=False),
        frame=f.integer("frame", low=0, high=limits.MAX_FRAMES),
        held_out=f.flag("held_out"),
        msi_psnr=number(f.get("msi_psnr"), f.name("msi_psnr"), low=-1000, high=1000),
        layers_psnr=number(f.get("layers_psnr"), f.name("layers_psnr"), low=-1000, high=1000),
    )


def fraction_to_pair(value: Fraction) -> list[int]:
    return [value.numerator, value.denominator]


def matrix_to_list(matrix: NDArray[np.float64]) -> list[float]:
    """(4, 4) -> 16 numbers, row by row."""
    return [float(v) for v in np.asarray(matrix, np.float64).reshape(-1)]
