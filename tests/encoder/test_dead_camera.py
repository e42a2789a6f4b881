"""A camera that shows nothing is named before a show starts, and left out from where it dies within one."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoder.capture.footage import FrameSet
from encoder.config import EncodeConfig
from encoder.dead_camera import dead_cameras, without_dead
from encoder.evaluate import rig_targets
from encoder.msi.solve import SolveConfig
from encoder.pipeline import encode_rig
from encoder.shot import prepare
from protocol.container import open_show
from protocol.errors import CaptureError, UsageError
from samples.make_rig import RigConfig, make_rig

RNG = np.random.default_rng(0)
SCENE = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
BLACK = np.abs(RNG.normal(0, 1, SCENE.shape)).astype(np.uint8)  # noise of a capped lens
BLUE = np.full_like(SCENE, (0, 0, 255))


def test_black_and_blue_are_dead_and_all_dark_is_a_pause() -> None:
    assert dead_cameras({"a": SCENE, "b": BLACK, "c": SCENE // 8, "d": BLUE, "e": SCENE}) == ("b", "d")
    assert dead_cameras({"a": BLACK, "b": BLACK, "c": BLUE}) == ()
    assert dead_cameras({"a": BLACK, "b": BLACK, "c": SCENE}) == ()
    assert dead_cameras({"a": BLACK, "b": BLACK, "c": BLACK, "d": SCENE, "e": SCENE}) == ("a", "b", "c")
    assert dead_cameras({}) == ()


def test_a_dead_camera_is_left_out_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    def frames() -> Generator[FrameSet]:
        for index in range(4):
            seen = {"a": SCENE, "b": SCENE if index < 2 else BLACK, "c": SCENE}
            yield FrameSet(index, Fraction(index, 30), seen)

    told: set[str] = set()
    with caplog.at_level(logging.WARNING):
        found = [set(frame.images) for _ in range(2) for frame in without_dead(frames(), told)]
    assert found == 2 * (2 * [{"a", "b", "c"}] + 2 * [{"a", "c"}])
    said = [record.getMessage() for record in caplog.records]
    assert said == ["b shows one plain colour at 0.07 s: left out where it does"]


def test_a_rig_with_a_dead_camera_is_told_so_with_the_mend(tmp_path: Path) -> None:
    make_rig(tmp_path, RigConfig(cameras=4, frames=1, width=96, height=72, views=0))
    victim = sorted(path for path in tmp_path.rglob("*") if path.suffix in {".png", ".jpg"})[1]
    with Image.open(victim) as picture:
        Image.new("RGB", picture.size).save(victim)
    config = EncodeConfig(near=0.8, far=12.0, shells=8, density=30.0)
    with pytest.raises(CaptureError, match=r"nothing but one plain colour.*--hold-out ") as caught:
        prepare(tmp_path, config)
    name = str(caught.value).split(":")[0]
    config = replace(config, hold_out=(name,), solve=SolveConfig(solver="sweep"))
    sources = [view.name for view in prepare(tmp_path, config).sources]
    assert name not in sources
    encode_rig(tmp_path, tmp_path / "show.lfv", config)
    with open_show(tmp_path / "show.lfv") as show:
        assert show.index.frame_count == 1
        assert list(rig_targets(show, tmp_path, None)) == [[]]  # the one that is held out, judged by nothing
        assert [target.name for target in next(rig_targets(show, tmp_path, sources))] == sources


def test_a_show_that_begins_black_is_told_to_begin_later(tmp_path: Path) -> None:
    make_rig(tmp_path, RigConfig(cameras=3, frames=1, width=32, height=24, views=0))
    for path in [*tmp_path.rglob("*.png"), *tmp_path.rglob("*.jpg")]:
        with Image.open(path) as picture:
            Image.new("RGB", picture.size).save(path)
    with pytest.raises(CaptureError, match="--start"):
        prepare(tmp_path, EncodeConfig(near=0.8, far=12.0, shells=8, density=30.0))


def test_a_density_that_no_show_can_have_is_named(tmp_path: Path) -> None:
    make_rig(tmp_path, RigConfig(cameras=4, frames=1, width=32, height=24, views=0))
    with pytest.raises(UsageError, match="--density"):
        prepare(tmp_path, EncodeConfig(near=0.8, far=12.0, shells=8, density=1e6))
