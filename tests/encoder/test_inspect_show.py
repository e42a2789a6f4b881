"""What `lfv inspect show.lfv` says is what was written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from encoder.commands.inspect_show import describe_show
from protocol.errors import FormatError
from protocol.partial import PartialShow
from tests.protocol import examples


def test_facts(tmp_path):
    path = tmp_path / "a.lfv"
    index = examples.write_show(path, chunks=2, rungs=2)
    facts = json.loads(describe_show(path, json=True))
    assert facts["frame_count"] == 6 and facts["chunk_count"] == 2 and facts["far"] is None
    assert facts["file_bytes"] == path.stat().st_size
    assert facts["field_of_view_deg"] == pytest.approx([90.0, 53.13], abs=0.01)
    rung = facts["rungs"][1]
    assert sum(rung["bytes"].values()) == sum(chunk.segments[1].length for chunk in index.chunks)
    assert rung["measured_bits_per_second"] == index.bits_per_second(1)
    assert rung["bytes"]["video"] == sum(len(u.data) for n in range(2) for u in examples.video_units(3, seed=n))
    assert rung["triangles"] == 8 and rung["atlas_coverage"] == 0.5
    assert [layer["coverage"] for layer in rung["layers"]] == [1.0, 1.0]
    assert [layer["moving"] for layer in rung["layers"]] == [0.0, pytest.approx(1 / 6)]
    assert [camera["held_out"] for camera in facts["cameras"]] == [True, False]
    assert rung["cost"] is None and not rung["fits_headset"]
    cost = {"coverage_mean": 1.25, "coverage_p99": 2.5, "triangles": 8, "draws": 2}
    assert facts["rungs"][0]["cost"] == cost and facts["rungs"][0]["fits_headset"]
    assert (facts["thumbnail_count"], facts["thumbnail_bytes"]) == (2, 8)
    assert facts["stages"] == [
        {"camera": "cam00", "frame": 0, "held_out": True, "msi_psnr": 31.5, "layers_psnr": 31.25}
    ]


def test_text(tmp_path):
    path = tmp_path / "a.lfv"
    examples.write_show(path, sound=False)
    text = describe_show(path)
    for part in ("Tiny é", "far infinity", "held out: cam00", "sound     none", "8 triangles", "50.0% occupied"):
        assert part in text
    assert "cost 1.25 screens blended, 2.50 at most in 99 % of views; 8 triangles, 2 draws: fits a headset" in text
    assert "2 thumbnails 8 B" in text


def test_what_does_not_fit_a_headset_is_said(tmp_path):
    show = examples.manifest()
    costs = None, replace(show.rungs[0].cost, coverage_mean=4.5, triangles=1_000_001)
    for cost, says in zip(costs, ("cost unknown", "too much for a headset (coverage_mean, triangles)"), strict=True):
        path = tmp_path / "a.lfv"
        with PartialShow.open_or_create(path, fingerprint=b"", restart=True) as partial:
            for number in range(2):
                partial.append(examples.segments(number))
            partial.finalise(replace(show, rungs=(replace(show.rungs[0], cost=cost),)))
        assert says in describe_show(path)


def test_a_damaged_show_is_an_error(tmp_path):
    path = tmp_path / "a.lfv"
    examples.write_show(path)
    data = bytearray(path.read_bytes())
    data[4096 + 52] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError, match="chunk 0 rung 0"):
        describe_show(path)
