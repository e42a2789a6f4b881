"""One group of pictures at every rung: same layout, falling bits, pictures alike, caps kept, same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.atlas.paint import new_planes, write_planes
from encoder.fit import Fitted, fit_atlas
from encoder.layers.layer_images import LayerImages
from encoder.metrics import psnr
from encoder.rungs import EncodedRung, PaintedLayers, encode_rungs, paint_plan, rung_geometries
from encoder.stopwatch import Stopwatch
from encoder.video.encode import encode_gop
from encoder.video.encoders import SOFTWARE
from encoder.video.ladder import RungPlan, ladder, single_rung
from player.composite.view import head_view
from player.decode import decode_pictures
from player.headless import HeadlessRenderer
from protocol.chunk import Chunk, VideoAccessUnit
from protocol.mesh_codec import Geometry, GeometryBounds, decode_geometry
from protocol.projection import Projection
from protocol.records import Rung

GRID = Projection("plane", 240, 160, left=-0.75, top=0.5, density=160.0, wraps=False)
FRAMES, RATE, TOLERANCE = 4, Fraction(30), 2e-3


def smooth(phase: float) -> NDArray[np.uint8]:
    """(H, W, 3) texture with detail of about 12 texels."""
    y, x = np.mgrid[: GRID.height, : GRID.width]
    waves = [np.sin((x + 7 * c) / 9 + phase) * np.cos(y / (7 + c)) + 0.5 * np.sin((x + y) / 4) for c in range(3)]
    return np.stack([np.clip(128 + 60 * wave, 0, 255) for wave in waves], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def layers() -> LayerImages:
    """A wall, and in front of it two discs, one of which moves."""
    rgba = np.zeros((FRAMES, 2, GRID.height, GRID.width, 4), np.uint8)
    disparity = np.zeros(rgba.shape[:-1], np.float32)
    y, x = np.mgrid[: GRID.height, : GRID.width] + 0.5
    for t in range(FRAMES):
        rgba[t, 0, ..., :3], rgba[t, 0, ..., 3] = smooth(0.0), 255
        disparity[t, 0] = 0.2 + 1e-4 * x
        rgba[t, 1, ..., :3] = smooth(2.0)
        for cx, cy, radius in ((60 + 2 * t, 60, 30), (170, 100, 40)):
            near = np.hypot(x - cx, y - cy)
            rgba[t, 1, ..., 3] = np.maximum(rgba[t, 1, ..., 3], (255 * np.clip(radius - near, 0, 1)).astype(np.uint8))
        disparity[t, 1] = 0.6 + 3e-4 * y + 0.02 * np.sin(x / 15 + t)
    return LayerImages(rgba, disparity)


@pytest.fixture(scope="module")
def fitted(layers: LayerImages) -> Fitted:
    return fit_atlas(layers, GRID, tolerance=TOLERANCE, size=None, spare=False, watch=Stopwatch())


def encoded(
    layers: LayerImages, fitted: Fitted, plans: tuple[RungPlan, ...], seconds: float = 1.0
) -> tuple[EncodedRung, ...]:
    watch = Stopwatch()
    geometries = rung_geometries(layers, GRID, fitted, plans, tolerance=TOLERANCE, most_cut=16, watch=watch)
    rungs, _ = encode_rungs(
        layers,
        GRID,
        fitted,
        plans,
        geometries,
        encoders=SOFTWARE,
        frame_rate=RATE,
        seconds=seconds,
        watch=watch,
    )
    return rungs


@pytest.fixture(scope="module")
def plans(fitted: Fitted) -> tuple[RungPlan, ...]:
    return ladder(fitted.layout.picture, codec="h264", quality=None, frame_rate=RATE)


@pytest.fixture(scope="module")
def rungs(layers: LayerImages, fitted: Fitted, plans: tuple[RungPlan, ...]) -> tuple[EncodedRung, ...]:
    return encoded(layers, fitted, plans)


def record(plan: RungPlan) -> Rung:
    p = plan.picture
    return Rung(
        plan.name, plan.codec, "", p.width, p.height, p.colour_width, p.colour_height, p.alpha_x, p.alpha_y,
        float(plan.texture_scale), 0,
    )  # fmt: skip


def geometry_of(rung: EncodedRung) -> Geometry:
    """As a player reads it, bounds of the manifest included."""
    r = record(rung.plan)
    atlas = [int(side / r.texture_scale + 1e-6) for side in (r.colour_width, r.colour_height)]
    return decode_geometry(rung.packed, bounds=GeometryBounds(2, FRAMES, GRID.width, GRID.height, atlas[0], atlas[1]))


def seen(rung: EncodedRung) -> list[NDArray[np.float64]]:
    """Every frame from beside the origin, as a player draws it, (H, W, 3) in 0..1."""
    times = tuple(index / RATE for index in range(FRAMES))
    units = tuple(VideoAccessUnit(unit.pts, unit.key, unit.data) for unit in rung.video)
    chunk = Chunk(0, 0, 0, Fraction(0), FRAMES / RATE, times, rung.packed, units)
    T = np.eye(4)
    T[0, 3] = 0.05
    pictures = []
    with HeadlessRenderer(GRID, record(rung.plan)) as renderer:
        renderer.set_geometry(geometry_of(rung))
        for picture in decode_pictures(chunk, record(rung.plan)):
            renderer.set_frame(picture.frame, picture.y, picture.u, picture.v)
            view = head_view(T, width=240, height=160, fov=float(2 * np.arctan(0.7)))
            pictures.append(renderer.render(view, dtype="uint8")[..., :3] / 255.0)
    return pictures


def bits(rung: EncodedRung) -> tuple[int, int]:
    """Of the geometry and of the video."""
    return 8 * len(rung.packed), 8 * sum(len(unit.data) for unit in rung.video)


def test_rungs_look_alike_and_fall_in_quality_and_bits(rungs: tuple[EncodedRung, ...]) -> None:
    assert [rung.plan.name for rung in rungs] == ["full", "high", "medium", "low"]
    pictures = [seen(rung) for rung in rungs]
    likeness = [np.mean([psnr(a, b) for a, b in zip(pictures[0], other, strict=True)]) for other in pictures[1:]]
    assert all(above > below for above, below in pairwise(likeness))
    assert likeness[0] > 34 and likeness[-1] > 26
    for above, below in pairwise(rungs):
        assert all(a > b for a, b in zip(bits(above), bits(below), strict=True))


def test_all_rungs_have_one_layout(rungs: tuple[EncodedRung, ...]) -> None:
    first, *others = (geometry_of(rung) for rung in rungs)
    for other in others:
        assert [layer.rects for layer in other.layers] == [layer.rects for layer in first.layers]
    triangles = [sum(len(layer.triangles) for layer in geometry.layers) for geometry in (first, *others)]
    assert triangles == sorted(triangles, reverse=True) and triangles[-1] < triangles[0] / 2


def test_one_rung_is_the_painted_atlas_and_nothing_else(layers: LayerImages, fitted: Fitted) -> None:
    picture = fitted.layout.picture
    (rung,) = encoded(layers, fitted, single_rung(picture, codec="h264", quality=30, frame_rate=RATE))
    pictures = []
    for atlas in PaintedLayers(layers, paint_plan(fitted.meshes, fitted.layout, wraps=False)):
        planes = new_planes(picture)
        write_planes(atlas, picture, planes)
        pictures.append((planes.luma, planes.cb, planes.cr))
    assert rung.video == encode_gop(pictures, codec="h264", quality=30, frame_rate=RATE)


def test_a_ladder_leaves_its_best_rung_as_it_is(
    layers: LayerImages, fitted: Fitted, rungs: tuple[EncodedRung, ...]
) -> None:
    (alone,) = encoded(layers, fitted, single_rung(fitted.layout.picture, codec="h264", quality=None, frame_rate=RATE))
    assert (rungs[0].packed, rungs[0].video) == (alone.packed, alone.video)


def test_a_rung_keeps_to_its_rate_and_comes_out_the_same_each_time(
    layers: LayerImages, fitted: Fitted, plans: tuple[RungPlan, ...], rungs: tuple[EncodedRung, ...]
) -> None:
    most = [int(0.6 * sum(bits(rung))) for rung in rungs]
    tight = tuple(replace(plan, most_bits=2 * limit) for plan, limit in zip(plans, most, strict=True))
    # Half a second: half of the rate.
    first, second = (encoded(layers, fitted, tight, seconds=0.5) for _ in range(2))
    assert first == second
    for rung, before, limit in zip(first, rungs, most, strict=True):
        geometry, video = bits(rung)
        assert geometry == bits(before)[0] and video < bits(before)[1]
        assert video <= max(limit - geometry, limit / 4)
        # And not far below it, where a picture can be had for so little.
        assert video > 0.6 * max(limit - geometry, limit / 4)
