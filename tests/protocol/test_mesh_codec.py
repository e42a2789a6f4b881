"""Geometry: within half a step, exact topology, deterministic; what is out of range never gets out."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import packing
from protocol.errors import FormatError
from protocol.mesh_codec import (
    Geometry,
    GeometryBounds,
    LayerMesh,
    Rect,
    decode_geometry,
    encode_geometry,
)
from tests.protocol.examples import geometry

BOUNDS = GeometryBounds(2, 3, grid_width=32, grid_height=16, atlas_width=64, atlas_height=32)


@st.composite
def layers(draw, frames: int) -> LayerMesh:
    """A random layer: one to three rects with random points, and triangles within each."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    rects, points, triangles, owners = [], [], [], []
    for number in range(draw(st.integers(0, 3))):
        x, y = (int(v) for v in rng.integers(0, 60000, 2))
        width, height = (int(v) for v in rng.integers(1, 5000, 2))
        rects.append(Rect(x, y, width, height, *(int(v) for v in rng.integers(0, 65000, 2))))
        count = int(rng.integers(1, 20))
        inside = np.stack([rng.integers(x, x + width + 1, count), rng.integers(y, y + height + 1, count)], -1)
        triangles.append(rng.integers(0, count, (int(rng.integers(0, 30)), 3)) + sum(map(len, points)))
        owners.append(np.full(len(triangles[-1]), number))
        points.append(inside)
    if not points:
        points, triangles, owners = [np.zeros((0, 2))], [np.zeros((0, 3))], [np.zeros(0)]
    total = sum(map(len, points))
    scale = draw(st.sampled_from([0.0, 1e-6, 0.3, 4.0, 1e6]))
    base = rng.random((1, total)) * scale
    moving = rng.random(total) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    disparities = np.where(moving, rng.random((frames, total)) * scale, base).astype(np.float32)
    return LayerMesh(
        np.concatenate(points).astype(np.uint16),
        disparities,
        tuple(rects),
        np.concatenate(triangles).astype(np.uint32),
        np.concatenate(owners).astype(np.uint16),
    )


@st.composite
def geometries(draw) -> Geometry:
    frames = draw(st.integers(1, 5))
    return Geometry(tuple(draw(layers(frames)) for _ in range(draw(st.integers(1, 3)))))


@given(geometries())
def test_round_trip_within_half_a_step(g):
    data = encode_geometry(g)
    assert encode_geometry(g) == data
    back = decode_geometry(data)
    for ours, theirs in zip(g.layers, back.layers, strict=True):
        assert np.array_equal(ours.points, theirs.points) and theirs.points.dtype == np.uint16
        assert np.array_equal(ours.triangles, theirs.triangles) and theirs.triangles.dtype == np.uint32
        assert np.array_equal(ours.triangle_rect, theirs.triangle_rect) and theirs.triangle_rect.dtype == np.uint16
        assert ours.rects == theirs.rects
        assert theirs.disparities.dtype == np.float32 and theirs.disparities.shape == ours.disparities.shape
        if ours.disparities.size:
            low, high = (float(f(ours.disparities)) for f in (np.min, np.max))
            error = np.abs(ours.disparities.astype(np.float64) - theirs.disparities)
            # Half a step, and the rounding of the result to float32.
            assert error.max() <= (high - low) / 65535 / 2 * (1 + 1e-9) + high * 2.0**-24
            # The ends of the range are kept exactly, so that coding again changes nothing.
            assert (float(theirs.disparities.min()), float(theirs.disparities.max())) == (low, high)
    assert encode_geometry(back) == data


def test_points_that_do_not_move_cost_one_frame_only():
    def size(moving: bool) -> int:
        rng = np.random.default_rng(0)
        points = np.stack(np.meshgrid(np.arange(50), np.arange(50)), -1).reshape(-1, 2).astype(np.uint16)
        disparities = rng.random((1 if not moving else 30, 2500), np.float32) * np.ones((30, 1), np.float32)
        layer = LayerMesh(points, disparities, (), np.zeros((0, 3), np.uint32), np.zeros(0, np.uint16))
        return len(encode_geometry(Geometry((layer,))))

    assert size(False) < 7_000 < 100_000 < size(True)


def _with(layer: LayerMesh, **changes: object) -> Geometry:
    return Geometry((replace(layer, **changes), geometry(3).layers[1]))


LAYER = geometry(3).layers[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"triangles": LAYER.triangles + np.uint32(3)}, "point 8 of 6"),
        ({"triangles": LAYER.triangles.astype(np.int64)}, "triangles is int64"),
        ({"triangle_rect": LAYER.triangle_rect + np.uint16(1)}, "rect 2 of 2"),
        ({"triangle_rect": LAYER.triangle_rect[::-1].copy()}, "leaves its rect"),
        ({"points": LAYER.points + np.uint16(1)}, "outside the grid"),
        ({"rects": (Rect(0, 0, 16, 16, 0, 0), Rect(17, 0, 16, 16, 0, 0))}, "outside the grid"),
        ({"rects": (Rect(0, 0, 16, 16, 0, 0), Rect(16, 0, 16, 16, 49, 0))}, "outside the atlas"),
        ({"rects": (Rect(0, 0, 16, 16, 0, 0), Rect(16, 0, 0, 16, 0, 0))}, "empty"),
        ({"rects": (Rect(0, 0, 16, 16, 0, 0), Rect(16, 0, 16, 16, -1, 0))}, "rect outside"),
        ({"disparities": LAYER.disparities * np.float32(np.nan)}, "not finite"),
        ({"disparities": -LAYER.disparities}, "disparity range"),
        ({"disparities": LAYER.disparities[:2]}, "layer 1 disparities"),
    ],
)
def test_what_a_player_could_not_draw_is_refused(changes, says):
    with pytest.raises(FormatError, match=says):
        encode_geometry(_with(LAYER, **changes), bounds=BOUNDS)


def test_the_same_checks_hold_when_reading():
    outside = encode_geometry(_with(LAYER, points=LAYER.points, rects=LAYER.rects))
    decode_geometry(outside, bounds=BOUNDS)
    for wrong in (
        replace(BOUNDS, grid_width=31),
        replace(BOUNDS, atlas_height=31),
        replace(BOUNDS, frame_count=4),
        replace(BOUNDS, layer_count=1),
    ):
        with pytest.raises(FormatError):
            decode_geometry(outside, bounds=wrong)


@pytest.mark.parametrize("field", range(4))
def test_declared_counts_allocate_nothing(field):
    """Points, moving points, triangles and rects of 2**32 - 1 and of the largest value that is allowed."""
    data = encode_geometry(geometry(3))
    for value in (0xFFFFFFFF, 1 << 20, 65535):
        forged = bytearray(data)
        struct.pack_into("<I", forged, 12 + 4 * field, value)
        tracemalloc.start()
        try:
            with pytest.raises(FormatError):
                decode_geometry(bytes(forged))
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


@given(st.data())
def test_damage_gives_one_error_or_valid_geometry(data):
    forged = bytearray(encode_geometry(geometry(3)))
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, len(forged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(forged[: data.draw(st.integers(0, len(forged)) | st.just(len(forged)))])
    try:
        back = decode_geometry(cut, bounds=BOUNDS)
    except FormatError:
        return
    for layer in back.layers:
        assert np.isfinite(layer.disparities).all() and layer.triangles.max(initial=0) < max(1, len(layer.points))


@given(st.binary(max_size=120))
def test_forged_arrays_behind_a_right_zstd_frame(raw):
    data = encode_geometry(geometry(3))
    head = data[: 12 + 2 * 24]
    size = sum(4 * 6 + 2 * 6 + 1 + 2 * 2 * m + 12 * 2 + 12 * 4 + 2 * 4 for m in (0, 1))
    body = (raw * size)[:size] if raw else bytes(size)
    with contextlib.suppress(FormatError):
        decode_geometry(head + packing.compress(body), bounds=BOUNDS)
