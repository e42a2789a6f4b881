"""A solved group of pictures at every rung: one atlas, painted once; meshes and video are each rung's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from encoder.atlas.paint import Atlas, PaintPlan, new_atlas, new_planes, paint, paint_plan, place, write_planes
from encoder.atlas.picture import Picture
from encoder.atlas.shrink import shrink, shrink_plan
from encoder.fit import Fitted, tessellate_layers
from encoder.layers.layer_images import LayerImages
from encoder.layers.tessellate import TessellationConfig
from encoder.stopwatch import Stopwatch
from encoder.video.encode import GopEncoder, Planes, VideoAccessUnit
from encoder.video.encoders import QUALITY_RANGE, Codec
from encoder.video.ladder import RungPlan, raised_quality
from protocol.mesh_codec import Geometry, encode_geometry
from protocol.projection import Projection

AtlasImages = tuple[NDArray[np.uint8], NDArray[np.uint8]]
_ROUNDS = 4  # of encoding a group that takes more than its rung may
_VIDEO_SHARE = 4  # however much geometry there is, a quarter of a rung's bits is the video's


@dataclass(frozen=True)
class EncodedRung:
    """One rung of a group of pictures: its plan, its geometry as bytes, its access units in decoding order."""

    plan: RungPlan
    packed: bytes
    video: tuple[VideoAccessUnit, ...]


class PaintedLayers:
    """The atlas of frame after frame, painted again each time they are gone through; `first` keeps frame 0's."""

    def __init__(self, layers: LayerImages, plan: PaintPlan) -> None:
        self._layers, self._plan = layers, plan
        self._atlas = new_atlas(plan.picture)
        self.first: AtlasImages | None = None

    def __len__(self) -> int:
        return len(self._layers.rgba)

    def __iter__(self) -> Iterator[Atlas]:
        """Each is valid until the next."""
        for rgba in self._layers.rgba:
            paint(self._plan, rgba, self._atlas)
            if self.first is None:
                self.first = (self._atlas.colour.copy(), self._atlas.alpha.copy())
            yield self._atlas


class RungPictures:
    """Makes of painted atlases the pictures of one rung."""

    def __init__(self, plan: RungPlan, full: Picture) -> None:
        self._plan, self._planes = plan, new_planes(plan.picture)
        sizes = [(p.colour_width, p.colour_height) for p in (full, plan.picture)]
        self._shrink = None
        if plan.texture_scale != 1:
            self._shrink, self._small = shrink_plan(sizes[0], sizes[1], plan.texture_scale), new_atlas(plan.picture)

    def __call__(self, atlas: Atlas) -> Planes:
        """Luma, cb and cr of the rung's picture, valid until the next call."""
        if self._shrink is not None:
            shrink(self._shrink, atlas, self._small)
            atlas = self._small
        write_planes(atlas, self._plan.picture, self._planes)
        return self._planes.luma, self._planes.cb, self._planes.cr


def rung_geometries(
    layers: LayerImages,
    projection: Projection,
    fitted: Fitted,
    plans: Sequence[RungPlan],
    *,
    tolerance: float,
    most_cut: int,
    watch: Stopwatch,
) -> tuple[Geometry, ...]:
    """The meshes of all rungs, in the one layout of the atlas.

    Args:
        plans: best first; the first one's meshes are `fitted`'s.
        tolerance: of those meshes, 1/m.
        most_cut: texels down to which the others are cut at least, to shed empty area.
    """
    quiet = Stopwatch(seconds=watch.seconds)  # the bar has seen meshes made
    lower = (_coarser(layers, projection, fitted, plan, tolerance, most_cut, quiet) for plan in plans[1:])
    return (Geometry(place(fitted.meshes, fitted.layout)), *lower)


def encode_rungs(
    layers: LayerImages,
    projection: Projection,
    fitted: Fitted,
    plans: Sequence[RungPlan],
    geometries: Sequence[Geometry],
    *,
    encoders: Mapping[Codec, str],
    frame_rate: Fraction | None,
    seconds: float,
    watch: Stopwatch,
) -> tuple[tuple[EncodedRung, ...], AtlasImages]:
    """-> all rungs, and colour and alpha of the first frame before the codec.

    Args:
        plans, geometries: of the rungs, best first.
        encoders: libav's name of the encoder of each codec.
        seconds: for which the group has its share of a rung's bits per second.
    """
    with watch.stage("geometry"):
        packed = [encode_geometry(geometry) for geometry in geometries]
    painted = PaintedLayers(layers, paint_plan(fitted.meshes, fitted.layout, wraps=projection.wraps))
    pictures = [RungPictures(plan, fitted.layout.picture) for plan in plans]
    most = [_video_bits(plan, len(data), seconds) for plan, data in zip(plans, packed, strict=True)]
    with watch.stage("video"):
        videos = _encode_videos(painted, plans, pictures, most, encoders, frame_rate, watch)
    assert painted.first is not None
    rungs = tuple(EncodedRung(*parts) for parts in zip(plans, packed, videos, strict=True))
    return rungs, painted.first


def _coarser(
    layers: LayerImages,
    projection: Projection,
    fitted: Fitted,
    plan: RungPlan,
    tolerance: float,
    most_cut: int,
    watch: Stopwatch,
) -> Geometry:
    """A lower rung's meshes, in the layout of the best one's."""
    cut = min(2 * plan.leaf, most_cut)
    config = TessellationConfig(smallest=min(plan.leaf, cut), cut=cut, alpha_threshold=fitted.threshold)
    meshes = tessellate_layers(layers, projection, tolerance=plan.mesh * tolerance, config=config, watch=watch)
    return Geometry(place(meshes, fitted.layout))


def _video_bits(plan: RungPlan, geometry_bytes: int, seconds: float) -> float:
    """The most that a group's video may take."""
    if plan.most_bits is None:
        return float("inf")
    bits = plan.most_bits * seconds
    return max(bits - 8 * geometry_bytes, bits / _VIDEO_SHARE)


def _encode_videos(
    painted: PaintedLayers,
    plans: Sequence[RungPlan],
    pictures: Sequence[RungPictures],
    most: Sequence[float],
    encoders: Mapping[Codec, str],
    frame_rate: Fraction | None,
    watch: Stopwatch,
) -> list[tuple[VideoAccessUnit, ...]]:
    """All rungs side by side. What takes too many bits is encoded again at a lower quality.

    Encoders keep to a rate by themselves, but x264 with threads, x265 and SVT-AV1 then give other bytes every time.
    """
    videos: list[tuple[VideoAccessUnit, ...]] = [()] * len(plans)
    # Of each rung: qualities that were tried and the bits that they took. Of those to be encoded next: the quality.
    tried: list[list[tuple[int, int]]] = [[] for _ in plans]
    qualities = {number: plan.quality for number, plan in enumerate(plans)}
    while qualities:
        again = any(tried)
        groups = {
            number: GopEncoder(
                codec=plans[number].codec,
                quality=quality,
                frame_rate=frame_rate,
                encoder=encoders[plans[number].codec],
            )
            for number, quality in qualities.items()
        }
        for index, atlas in enumerate(painted):
            for number, group in groups.items():
                group.add(pictures[number](atlas))
            if not again:
                watch.report("video", (index + 1) / len(painted))
        for number, group in groups.items():
            videos[number] = group.finish()
            tried[number].append((qualities[number], 8 * sum(len(unit.data) for unit in videos[number])))
        qualities = {
            number: raised_quality(plans[number], tried[number], most[number])
            for number in groups
            if tried[number][-1][1] > most[number]
            and tried[number][-1][0] < QUALITY_RANGE[plans[number].codec][1]
            and len(tried[number]) < _ROUNDS
        }
    return videos
