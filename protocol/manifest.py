"""What a show says about itself before any segment is read. SPEC section 4.

Every record has `to_document`/`from_fields`; reading validates every value and names the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from protocol import limits
from protocol.errors import FormatError
from protocol.fields import Document, Fields, Scalar, pack_document, unpack_document
from protocol.mesh_codec import GeometryBounds
from protocol.projection import Projection
from protocol.records import (
    CameraRecord,
    Codec,
    Rung,
    Sound,
    StageFigure,
    Thumbnail,
    camera_from_fields,
    camera_to_document,
    fraction_to_pair,
    matrix_to_list,
    picture,
    rung_from_fields,
    rung_to_document,
    sound_from_fields,
    sound_to_document,
    stage_from_fields,
    stage_to_document,
    thumbnail_from_fields,
    thumbnail_to_document,
)

__all__ = [
    "CameraRecord",
    "Codec",
    "Manifest",
    "Rung",
    "Sound",
    "StageFigure",
    "Thumbnail",
    "Units",
    "decode_manifest",
    "encode_manifest",
    "geometry_bounds",
    "projection_from_dict",
    "projection_to_dict",
]

Units = Literal["metres", "rig units"]
Vector = tuple[float, float, float]

UNITS = ("metres", "rig units")
_FAR = 1e9


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
        thumbnails: for a timeline, in order of time.
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
    thumbnails: tuple[Thumbnail, ...] = ()


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
        "frame_rate": None if m.frame_rate is None else fraction_to_pair(Fraction(m.frame_rate)),
        "frame_count": m.frame_count,
        "duration": fraction_to_pair(Fraction(m.duration)),
        "projection": projection_to_dict(m.projection),
        "near": float(m.near),
        "far": float(m.far),
        "layer_count": m.layer_count,
        "comfort_min": [float(v) for v in m.comfort_min],
        "comfort_max": [float(v) for v in m.comfort_max],
        "units": m.units,
        "T_show_rig": matrix_to_list(m.T_show_rig),
        "cameras": [camera_to_document(camera) for camera in m.cameras],
        "rungs": [rung_to_document(rung) for rung in m.rungs],
        "sound": None if m.sound is None else sound_to_document(m.sound),
        "colour": m.colour,
        "range": m.range,
        "background": [float(v) for v in m.background],
        "encoder": dict(sorted(m.encoder.items())),
        "stages": [stage_to_document(figure) for figure in m.stages],
        "poster": m.poster,
        "thumbnails": [thumbnail_to_document(thumbnail) for thumbnail in m.thumbnails],
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
        cameras=tuple(camera_from_fields(c) for c in f.maps("cameras", most=limits.MAX_CAMERAS)),
        rungs=tuple(rung_from_fields(r) for r in f.maps("rungs", least=1, most=limits.MAX_RUNGS)),
        sound=None if f.get("sound") is None else sound_from_fields(f.map("sound")),
        colour=cast(Literal["bt709"], f.text("colour", choices=("bt709",))),
        range=cast(Literal["limited"], f.text("range", choices=("limited",))),
        background=_vector(f, "background", low=0.0, high=1.0),
        encoder=f.scalars("encoder", most=limits.MAX_SETTINGS),
        stages=tuple(stage_from_fields(s) for s in f.maps("stages", most=limits.MAX_STAGE_FIGURES)),
        poster=picture(f, "poster", most=limits.MAX_POSTER_BYTES, empty=True),
        thumbnails=_thumbnails(f),
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
    times = [thumbnail.time for thumbnail in manifest.thumbnails]
    if any(a >= b for a, b in pairwise([*times, manifest.duration])):
        raise FormatError(f"{f.path}.thumbnails are out of order, or behind the end of the show")
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


def _thumbnails(f: Fields) -> tuple[Thumbnail, ...]:
    if not f.has("thumbnails"):
        return ()
    return tuple(thumbnail_from_fields(t) for t in f.maps("thumbnails", most=limits.MAX_THUMBNAILS))


def _vector(f: Fields, key: str, *, low: float, high: float) -> Vector:
    x, y, z = f.numbers(key, least=3, most=3, low=low, high=high)
    return (x, y, z)
