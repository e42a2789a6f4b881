"""Rigs and shows that the end-to-end tests share; nobody changes them, tests that damage something take a copy."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from encoder.cli import main
from samples.make_rig import RigConfig, make_rig
from tests.end_to_end.commands import QUICK

HELD_OUT = "camera_0001"


@pytest.fixture(scope="session")
def dome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight fisheye videos of five frames at 20 fps, sound, and test views."""
    folder = tmp_path_factory.mktemp("rigs") / "dome"
    make_rig(
        folder,
        RigConfig(cameras=8, frames=5, width=96, height=72, frame_rate=Fraction(20), sound=True, views=2, view_size=64),
    )
    return folder


@pytest.fixture(scope="session")
def planar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pinhole cameras side by side, PNGs, three frames."""
    folder = tmp_path_factory.mktemp("rigs") / "planar"
    make_rig(
        folder,
        RigConfig(
            rig="planar", lens="pinhole", field=1.3, cameras=6, frames=3, width=96, height=72, images=True,
            views=2, view_size=64,
        ),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six fisheye cameras, one picture each."""
    folder = tmp_path_factory.mktemp("rigs") / "still"
    make_rig(folder, RigConfig(cameras=6, frames=1, width=64, height=48, views=1, view_size=48))
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four fisheye videos of five frames at 20 fps: the rig of the tests in which something goes wrong."""
    folder = tmp_path_factory.mktemp("rigs") / "small"
    make_rig(folder, RigConfig(cameras=4, frames=5, width=64, height=48, frame_rate=Fraction(20), views=0))
    return folder


@pytest.fixture(scope="session")
def show(dome: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dome as a show of three chunks with sound, one camera held out."""
    out = tmp_path_factory.mktemp("shows") / "dome.lfv"
    options = "--near 0.8 --far 12 --shells 12 --layers 6 --density 30 --steps 10 --gop 0.1 --quiet".split()
    sound = ["--sound", str(dome / "sound.wav"), "--hold-out", HELD_OUT]
    assert main(["encode", str(dome), "--out", str(out), *options, *sound]) == 0
    return out


@pytest.fixture(scope="session")
def tiny_show(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small rig as a show of three chunks, of about 50 kB."""
    out = tmp_path_factory.mktemp("shows") / "small.lfv"
    assert main(["encode", str(small), "--out", str(out), *QUICK, "--quiet"]) == 0
    return out
