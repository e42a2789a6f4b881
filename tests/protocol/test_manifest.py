"""The manifest survives a round trip; every field is checked and named."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FormatError
from protocol.fields import pack_document
from protocol.manifest import (
    decode_manifest,
    encode_manifest,
    geometry_bounds,
    manifest_to_document,
    projection_from_dict,
    projection_to_dict,
)
from protocol.projection import Projection
from tests.protocol.examples import manifest


def test_round_trip():
    data = encode_manifest(manifest(rungs=3))
    back = decode_manifest(data)
    assert encode_manifest(back) == data
    assert manifest_to_document(back) == manifest_to_document(manifest(rungs=3))
    assert back.frame_rate == Fraction(30000, 1001) and back.far == math.inf
    assert back.cameras[0].held_out and back.cameras[0].model["params"] == (500.0, 500.0, 320.0, 240.0)


def test_a_still_has_no_frame_rate():
    still = replace(manifest(), frame_rate=None, frame_count=1, duration=Fraction(1))
    assert decode_manifest(encode_manifest(still)).frame_rate is None
    with pytest.raises(FormatError, match="frame_rate"):
        encode_manifest(replace(still, frame_count=2))


def test_unknown_keys_are_ignored():
    document = manifest_to_document(manifest())
    document["later"] = {"anything": [1, 2]}
    document["rungs"][0]["later"] = 1
    assert decode_manifest(pack_document(document)).title == "Tiny é"


WRONG = {
    "title": [1, "x\n", None],
    "frame_rate": [[0, 1], [30, 2], 30.0],
    "frame_count": [0, -1, 1.0, True, 1 << 40],
    "duration": [[0, 1], [-1, 1], 1.0],
    "projection.kind": ["cube", 1],
    "projection.width": [0, 65536, 32.0],
    "projection.density": [0.0, -1.0, math.nan, math.inf],
    "projection.wraps": [True, 0],
    "near": [0.0, -1.0, math.inf, math.nan, "1"],
    "far": [0.4, math.nan, -math.inf],
    "layer_count": [0, 65],
    "comfort_max": [[0.1, 0.1], [0.1, 0.1, -0.2], [math.nan] * 3],
    "units": ["feet"],
    "T_show_rig": [[0.0] * 16, [1.0] * 15, np.diag([1.0, 1.0, -1.0, 1.0]).ravel().tolist()],
    "cameras": [[1], {}],
    "cameras.0.name": ["", "cam01"],
    "cameras.0.model.params": [[], ["x"], [math.inf], [0.0] * 65],
    "cameras.0.T_show_camera": [(2 * np.eye(4)).ravel().tolist()],
    "cameras.0.held_out": [1, None],
    "rungs": [[], [1] * 9],
    "rungs.0.codec": ["vp9", None],
    "rungs.0.width": [63, 0, 16385],
    "rungs.0.colour_width": [65, 0],
    "rungs.0.alpha_y": [33, 31, -1],
    "rungs.0.texture_scale": [0.0, 1.5, math.nan],
    "rungs.0.bits_per_second": [-1, 1.5],
    "rungs.0.cost": [0, [], {}],
    "rungs.0.cost.coverage_mean": [-0.1, math.nan, math.inf, "4", 1 << 21],
    "rungs.0.cost.coverage_p99": [-1, None],
    "rungs.0.cost.triangles": [-1, 1.5, 1 << 29],
    "rungs.0.cost.draws": [-1, 65, None],
    "sound.codec": ["aac"],
    "sound.sample_rate": [44100, 0],
    "sound.channels": [0, 9],
    "colour": ["bt2020"],
    "range": ["full"],
    "background": [[0.0, 0.0, 1.1], [0.0, 0.0]],
    "encoder": [{"a": [1]}, {"a": math.nan}, {"": 1}, []],
    "stages.0.msi_psnr": [math.inf, "x"],
    "poster": [b"GIF89a", "x", b"\xff\xd8\xff" + bytes(600_000)],
    "thumbnails": [None, [1], [{"time": [n, 4096], "image": b"\xff\xd8\xff"} for n in range(65)]],
    "thumbnails.0.time": [[-1, 2], 0.0, [1, 10]],
    "thumbnails.1.time": [[0, 1], [1001, 5000], [5, 1]],
    "thumbnails.0.image": [b"", b"GIF89a", "x", b"\xff\xd8\xff" + bytes(16_384)],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in WRONG.items() for value in values])
def test_wrong_values_are_refused_with_the_field(path, value):
    document = manifest_to_document(manifest(rungs=2))
    *parents, key = path.split(".")
    target = document
    for parent in parents:
        target = target[int(parent)] if isinstance(target, list) else target[parent]
    target[key] = value
    with pytest.raises(FormatError, match=parents[0] if parents else key) as error:
        decode_manifest(pack_document(document))
    assert "\n" not in str(error.value)


def test_costs_and_thumbnails_may_be_missing():
    """As in shows of format 1.0."""
    document = manifest_to_document(manifest(rungs=2))
    del document["thumbnails"]
    for rung in document["rungs"]:
        del rung["cost"]
    back = decode_manifest(pack_document(document))
    assert back.thumbnails == () and [rung.cost for rung in back.rungs] == [None, None]


@pytest.mark.parametrize("key", sorted(manifest_to_document(manifest()).keys() - {"thumbnails"}))
def test_every_field_is_required(key):
    document = manifest_to_document(manifest())
    del document[key]
    with pytest.raises(FormatError, match=key):
        decode_manifest(pack_document(document))


@given(
    width=st.integers(1, 4000),
    fill=st.floats(0.01, 1.0),
    left=st.floats(-3.2, 3.2),
    wraps=st.booleans(),
)
def test_spheres_round_trip(width, fill, left, wraps):
    density = width / (2 * math.pi * (1.0 if wraps else fill))
    height = min(65535, max(1, int(math.pi * density)))
    projection = Projection("sphere", width, height, left, math.pi / 2, density, wraps)
    assert projection_from_dict(projection_to_dict(projection)) == projection


@pytest.mark.parametrize(
    "wrong",
    [{"density": 10.0}, {"width": 30, "wraps": True}, {"top": 1.7}, {"height": 60}, {"kind": "plane", "wraps": True}],
)
def test_spheres_stay_within_a_turn_and_the_poles(wrong):
    good = projection_to_dict(Projection("sphere", 100, 50, -math.pi, math.pi / 2, 100 / (2 * math.pi), False))
    projection_from_dict(good)
    with pytest.raises(FormatError):
        projection_from_dict({**good, **wrong})


def test_bounds_of_the_geometry_scale_with_the_rung():
    half = manifest()
    half = replace(half, rungs=(replace(half.rungs[0], texture_scale=0.5),))
    bounds = geometry_bounds(half, rung=0, frame_count=7)
    assert (bounds.atlas_width, bounds.atlas_height) == (128, 64)
    assert (bounds.grid_width, bounds.grid_height, bounds.frame_count) == (32, 16, 7)
