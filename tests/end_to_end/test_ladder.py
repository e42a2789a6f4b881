"""`encode --ladder`: every rung is checked, listed, judged and drawn; killed, the show comes out the same."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from encoder.cli import main
from encoder.evaluate import compare, rig_targets
from encoder.metrics import psnr
from protocol.container import open_show
from tests.end_to_end.commands import QUICK, killed_at, run
from tests.end_to_end.conftest import HELD_OUT

pytestmark = pytest.mark.slow
NAMES = ["full", "high", "medium", "low"]


@pytest.fixture(scope="module")
def ladder_show(dome: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dome with sound and four rungs, a camera held out, in three chunks."""
    out = tmp_path_factory.mktemp("shows") / "ladder.lfv"
    options = "--near 0.8 --far 12 --shells 12 --layers 6 --density 40 --solver sweep --gop 0.1 --quiet".split()
    sound = ["--sound", str(dome / "sound.wav"), "--hold-out", HELD_OUT]
    assert main(["encode", str(dome), "--out", str(out), *options, *sound, "--ladder"]) == 0
    return out


def test_all_rungs_are_checked_and_listed(ladder_show: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verified = json.loads(run(capsys, "verify", ladder_show, "--json").out)
    assert verified["ok"] and (verified["chunks"], verified["segments"]) == (3, 12)
    assert verified["pictures"] == 4 * verified["frames"] == 20
    facts = json.loads(run(capsys, "inspect", ladder_show, "--json").out)
    rungs = facts["rungs"]
    assert [rung["name"] for rung in rungs] == NAMES
    assert [rung["texture_scale"] for rung in rungs] == [1.0, 0.75, 0.5, 0.375]
    assert all(rung["codec_string"].startswith("avc1.") for rung in rungs)
    assert [rung["bits_per_second"] for rung in rungs] == [
        pytest.approx(rung["measured_bits_per_second"], abs=1) for rung in rungs
    ]
    for key in ("width", "triangles", "bits_per_second"):
        assert all(above[key] > below[key] for above, below in pairwise(rungs))
    assert facts["encoder"]["ladder"] == "True" and facts["encoder"]["video_encoder"] == "libx264"
    text = run(capsys, "inspect", ladder_show).out
    assert all(f"rung {name}: h264 " in text for name in NAMES)


def test_each_rung_has_the_sound(ladder_show: Path) -> None:
    with open_show(ladder_show) as show:
        for number in range(3):
            first, *others = (show.read_chunk(number, rung).sound for rung in range(4))
            assert first and all(other == first for other in others)


def test_each_rung_is_drawn_like_the_best(ladder_show: Path, dome: Path) -> None:
    with open_show(ladder_show) as show:
        pictures = [
            [pair.render / 255 for pair in compare(show, rig_targets(show, dome, None), rung=rung)] for rung in range(4)
        ]
    likeness = [np.mean([psnr(a, b) for a, b in zip(pictures[0], other, strict=True)]) for other in pictures[1:]]
    assert all(above > below for above, below in pairwise(likeness)), likeness
    assert likeness[-1] > 25


def test_each_rung_is_judged(ladder_show: Path, dome: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {}
    for name in ("none", *NAMES):
        out = tmp_path / f"{name}.json"
        chosen = () if name == "none" else ("--rung", name)
        assert run(capsys, "evaluate", ladder_show, "--rig", dome, "--json", out, *chosen).code == 0
        figures[name] = json.loads(out.read_text())
    assert figures["none"] == figures["full"]
    quality = [figures[name]["mean"]["psnr"] for name in NAMES]
    assert quality[0] > 20 and quality[0] - quality[-1] < 3
    assert all(figures[a]["bits_per_second"] > figures[b]["bits_per_second"] for a, b in pairwise(NAMES))
    wrong = run(capsys, "evaluate", ladder_show, "--rig", dome, "--rung", "huge")
    assert wrong.code == 2 and "full, high, medium, low" in wrong.error


def test_killed_it_goes_on_with_all_rungs(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shows = [tmp_path / "whole.lfv", tmp_path / "killed.lfv"]
    assert run(capsys, "encode", small, "--out", shows[0], *QUICK, "--ladder").code == 0
    for moment in ("0 video", "1 video"):
        killed_at(moment, small, shows[1], "--ladder")
    refused = run(capsys, "encode", small, "--out", shows[1], *QUICK)
    assert refused.code == 2 and "--restart" in refused.error
    assert run(capsys, "encode", small, "--out", shows[1], *QUICK, "--ladder").code == 0
    assert shows[0].read_bytes() == shows[1].read_bytes()
    with open_show(shows[0]) as show:
        assert len(show.manifest.rungs) > 1
