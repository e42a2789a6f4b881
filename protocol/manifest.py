"""What a show says about itself before any segment is read. SPEC section 4.

Every record has `to_document`/`from_fields`; reading validates every value and names the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from protocol import limits
from protocol.errors import FormatError
from protocol.fields import Document, Fields, Scalar, integer, number, pack_document, unpack_document
from protocol.mesh_codec import GeometryBounds
from protocol.projection import Projection

Codec = Literal["h264", "hevc", "av1"]
Units = Literal["metres", "rig units"]
Vector = tuple[float, float, float]

CODECS = ("h264", "hevc", "av1")
UNITS = ("metres", "rig units")
SOUND_RATES = (8000, 12000, 16000, 24000, 48000)
POSTER_MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_FAR = 1e9


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


@dataclass(frozen=True)
class Sound:
    """Opus packets in the chunks. `pre_skip` samples at 48 kHz are to be dropped at the show's start."""

    codec: Literal["opus"]
    sample_rate: int
    channels: int
    pre_skip: int


@dataclass(frozen=True)
class StageFigure:
    """PSNR in dB of one camera's frame after two stages of the encoder, before the codec."""

    camera: str
    frame: int
    held_out: bool
    msi_psnr: float
    layers_psnr: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Manifest:
    """All that a player must know before it asks for a segment.

    Attributes:
        frame_rate: nominal; None for a still. Exact times are in the segments.
        frame_count, duration: of the whole show; duration in seconds, above 0 for a still as well.
        near, far: distances in `units`; far may be infinite.
        layer_count: layers of every chunk's geometry, far to near.
        comfort_min, comfort_max: corners of the head box in which the show is valid, show frame.
        T_show_rig: (4, 4) float64, rig frame to show frame.
        background: sRGB in [0, 1], behind the farthest layer.
        settings: what the encoder was asked for, for people.
        poster: JPEG or PNG, or empty.
    """

    title: str
    frame_rate: Fraction | None
    frame_count: int
    duration: Fraction
    projection: Projection
    near: float
    far: float
    layer_count: int
    comfort_min: Vector
    comfort_max: Vector
    units: Units
    T_show_rig: NDArray[np.float64]
    cameras: tuple[CameraRecord, ...]
    rungs: tuple[Rung, ...]
    sound: Sound | None = None
    colour: Literal["bt709"] = "bt709"
    range: Literal["limited"] = "limited"
    background: Vector = (0.0, 0.0, 0.0)
    encoder: Mapping[str, Scalar] = field(default_factory=dict)
    stages: tuple[StageFigure, ...] = ()
    poster: bytes = b""


def encode_manifest(manifest: Manifest) -> bytes:
    """Manifest -> msgpack bytes. Raises FormatError where a reader would refuse it."""
    data = pack_document(manifest_to_document(manifest))
    decode_manifest(data)
    return data


def decode_manifest(data: bytes) -> Manifest:
    """msgpack bytes -> validated Manifest. Raises FormatError with the path of the field."""
    return manifest_from_fields(unpack_document(data, name="manifest", max_bytes=limits.MAX_MANIFEST_BYTES))


def manifest_to_document(manifest: Manifest) -> Document:
    """The document in the order of SPEC section 4."""
    m = manifest
    return {
        "title": m.title,
        "frame_rate": None if m.frame_rate is None else _pair(m.frame_rate),
        "frame_count": m.frame_count,
        "duration": _pair(m.duration),
        "projection": projection_to_dict(m.projection),
        "near": float(m.near),
        "far": float(m.far),
        "layer_count": m.layer_count,
        "comfort_min": [float(v) for v in m.comfort_min],
        "comfort_max": [float(v) for v in m.comfort_max],
        "units": m.units,
        "T_show_rig": _matrix(m.T_show_rig),
        "cameras": [_camera_to_document(camera) for camera in m.cameras],
        "rungs": [_rung_to_document(rung) for rung in m.rungs],
        "sound": None if m.sound is None else _sound_to_document(m.sound),
        "colour": m.colour,
        "range": m.range,
        "background": [float(v) for v in m.background],
        "encoder": dict(sorted(m.encoder.items())),
        "stages": [_stage_to_document(figure) for figure in m.stages],
        "poster": m.poster,
    }


def manifest_from_fields(f: Fields) -> Manifest:
    """Validated Manifest, cross-checks between fields included. Raises FormatError."""
    manifest = Manifest(
        title=f.text("title"),
        frame_rate=None if f.get("frame_rate") is None else f.fraction("frame_rate", above=0, high=1000),
        frame_count=f.integer("frame_count", low=1, high=limits.MAX_FRAMES),
        duration=f.fraction("duration", above=0, high=limits.MAX_DURATION_S),
        projection=projection_from_fields(f.map("projection")),
        near=f.real("near", low=1e-6, high=_FAR),
        far=f.real("far", low=1e-6, high=_FAR, infinite=True),
        layer_count=f.integer("layer_count", low=1, high=limits.MAX_LAYERS),
        comfort_min=_vector(f, "comfort_min", low=-_FAR, high=_FAR),
        comfort_max=_vector(f, "comfort_max", low=-_FAR, high=_FAR),
        units=cast(Units, f.text("units", choices=UNITS)),
        T_show_rig=f.pose("T_show_rig"),
        cameras=tuple(_camera(c) for c in f.maps("cameras", most=limits.MAX_CAMERAS)),
        rungs=tuple(_rung(r) for r in f.maps("rungs", least=1, most=limits.MAX_RUNGS)),
        sound=None if f.get("sound") is None else _sound(f.map("sound")),
        colour=cast(Literal["bt709"], f.text("colour", choices=("bt709",))),
        range=cast(Literal["limited"], f.text("range", choices=("limited",))),
        background=_vector(f, "background", low=0.0, high=1.0),
        encoder=f.scalars("encoder", most=limits.MAX_SETTINGS),
        stages=tuple(_stage(s) for s in f.maps("stages", most=limits.MAX_STAGE_FIGURES)),
        poster=f.blob("poster", most=limits.MAX_POSTER_BYTES),
    )
    if manifest.near >= manifest.far:
        raise FormatError(f"{f.path}.far must be beyond near ({manifest.near})")
    if any(low > high for low, high in zip(manifest.comfort_min, manifest.comfort_max, strict=True)):
        raise FormatError(f"{f.path}.comfort_max must not be below comfort_min")
    if manifest.frame_rate is None and manifest.frame_count != 1:
        raise FormatError(f"{f.path}.frame_rate is missing for {manifest.frame_count} frames")
    for key, names in (("cameras", [c.name for c in manifest.cameras]), ("rungs", [r.name for r in manifest.rungs])):
        if len(set(names)) != len(names):
            raise FormatError(f"{f.path}.{key} has a name twice")
    if manifest.poster and not manifest.poster.startswith(POSTER_MAGICS):
        raise FormatError(f"{f.path}.poster is neither JPEG nor PNG")
    return manifest


def geometry_bounds(manifest: Manifest, *, rung: int, frame_count: int) -> GeometryBounds:
    """What the geometry of a chunk with `frame_count` frames has to keep to at the rung."""
    r = manifest.rungs[rung]
    return GeometryBounds(
        layer_count=manifest.layer_count,
        frame_count=frame_count,
        grid_width=manifest.projection.width,
        grid_height=manifest.projection.height,
        atlas_width=int(r.colour_width / r.texture_scale + 1e-6),
        atlas_height=int(r.colour_height / r.texture_scale + 1e-6),
    )


def projection_to_dict(projection: Projection) -> Document:
    """Projection -> plain dict."""
    p = projection
    return {
        "kind": p.kind,
        "width": p.width,
        "height": p.height,
        "left": float(p.left),
        "top": float(p.top),
        "density": float(p.density),
        "wraps": p.wraps,
    }


def projection_from_dict(values: Mapping[str, object]) -> Projection:
    """Plain dict -> validated Projection. Raises FormatError."""
    return projection_from_fields(Fields(dict(values), "projection"))


def projection_from_fields(f: Fields) -> Projection:
    """Validated Projection: a sphere's grid stays within one turn and between the poles."""
    kind = f.text("kind", choices=("sphere", "plane"))
    reach = np.pi if kind == "sphere" else 1e4
    projection = Projection(
        kind=cast(Literal["sphere", "plane"], kind),
        width=f.integer("width", low=1, high=limits.MAX_GRID_SIDE),
        height=f.integer("height", low=1, high=limits.MAX_GRID_SIDE),
        left=f.real("left", low=-2 * reach, high=2 * reach),
        top=f.real("top", low=-reach, high=reach),
        density=f.real("density", low=1e-3, high=1e6),
        wraps=f.flag("wraps"),
    )
    if kind == "plane":
        if projection.wraps:
            raise FormatError(f"{f.path}.wraps must be false for planes")
        return projection
    turn = projection.width / projection.density
    bottom = projection.top - projection.height / projection.density
    if turn > 2 * np.pi * (1 + 1e-6) or (projection.wraps and turn < 2 * np.pi * (1 - 1e-6)):
        raise FormatError(
            f"{f.path}.width is {turn:.6f} radians; a grid spans at most one turn, one that wraps exactly one"
        )
    # Half a texel of slack: encoders round the height up to whole texels.
    slack = 1.0 / projection.density
    if projection.top > np.pi / 2 + slack or bottom < -np.pi / 2 - slack:
        raise FormatError(f"{f.path}.top and height reach beyond the poles")
    return projection


def _pair(value: Fraction) -> list[int]:
    value = Fraction(value)
    return [value.numerator, value.denominator]


def _matrix(matrix: NDArray[np.float64]) -> list[float]:
    return [float(v) for v in np.asarray(matrix, np.float64).reshape(-1)]


def _vector(f: Fields, key: str, *, low: float, high: float) -> Vector:
    x, y, z = f.numbers(key, least=3, most=3, low=low, high=high)
    return (x, y, z)


def _camera_to_document(camera: CameraRecord) -> Document:
    model = camera.model
    return {
        "name": camera.name,
        "model": {key: list(v) if isinstance(v, tuple | list) else v for key, v in model.items()},
        "T_show_camera": _matrix(camera.T_show_camera),
        "held_out": camera.held_out,
    }


def _camera(f: Fields) -> CameraRecord:
    model = f.map("model")
    checked = {
        "kind": model.text("kind", empty=False),
        "width": model.integer("width", low=1, high=limits.MAX_GRID_SIDE),
        "height": model.integer("height", low=1, high=limits.MAX_GRID_SIDE),
        "params": model.numbers("params", least=1, most=limits.MAX_CAMERA_PARAMS),
    }
    return CameraRecord(f.text("name", empty=False), checked, f.pose("T_show_camera"), f.flag("held_out"))


def _rung_to_document(rung: Rung) -> Document:
    return {**vars(rung), "texture_scale": float(rung.texture_scale)}


def _rung(f: Fields) -> Rung:
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
    )
    if rung.width % 2 or rung.height % 2:
        raise FormatError(f"{f.path} has an odd picture size; 4:2:0 needs even sides")
    right, bottom = rung.alpha_x + rung.colour_width, rung.alpha_y + rung.colour_height
    if right > rung.width or bottom > rung.height:
        raise FormatError(f"{f.path} has its alpha region outside the picture of {rung.width}x{rung.height}")
    if rung.alpha_x < rung.colour_width and rung.alpha_y < rung.colour_height:
        raise FormatError(f"{f.path} has its alpha region over its colour region")
    return rung


def _sound_to_document(sound: Sound) -> Document:
    return dict(vars(sound))


def _sound(f: Fields) -> Sound:
    return Sound(
        codec=cast(Literal["opus"], f.text("codec", choices=("opus",))),
        sample_rate=integer_of(f, "sample_rate", SOUND_RATES),
        channels=f.integer("channels", low=1, high=8),
        pre_skip=f.integer("pre_skip", low=0, high=65535),
    )


def integer_of(f: Fields, key: str, choices: tuple[int, ...]) -> int:
    """An integer that is one of `choices`."""
    value = integer(f.get(key), f.name(key), low=min(choices), high=max(choices))
    if value not in choices:
        raise FormatError(f"{f.name(key)} is {value}; it must be one of {', '.join(map(str, choices))}")
    return value


def _stage_to_document(figure: StageFigure) -> Document:
    return {**vars(figure), "msi_psnr": float(figure.msi_psnr), "layers_psnr": float(figure.layers_psnr)}


def _stage(f: Fields) -> StageFigure:
    return StageFigure(
        camera=f.text("camera", empty=False),
        frame=f.integer("frame", low=0, high=limits.MAX_FRAMES),
        held_out=f.flag("held_out"),
        msi_psnr=number(f.get("msi_psnr"), f.name("msi_psnr"), low=-1000, high=1000),
        layers_psnr=number(f.get("layers_psnr"), f.name("layers_psnr"), low=-1000, high=1000),
    )
