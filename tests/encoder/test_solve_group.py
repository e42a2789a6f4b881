"""Groups of pictures that start from one frame: what has not changed since is the same in all of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from encoder.capture.footage import FrameSet
from encoder.config import EncodeConfig
from encoder.msi.solve import SolveConfig
from encoder.shot import Shot, prepare
from encoder.solve_group import Frames, SolvedGroup, solve_group
from encoder.stopwatch import Stopwatch
from samples.make_rig import RigConfig, make_rig

pytestmark = pytest.mark.slow
CONFIG = EncodeConfig(near=0.8, far=12.0, shells=12, layers=6, density=30.0, solve=SolveConfig().with_steps(6))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    folder = tmp_path_factory.mktemp("rig")
    make_rig(folder, RigConfig(cameras=6, frames=4, width=96, height=72, frame_rate=Fraction(30), views=0))
    return prepare(folder, CONFIG)


def solved(shot: Shot, first: int, folder: Path, *, base: Frames | None = None) -> SolvedGroup:
    frames = partial(shot.footage.frames, first, 2)
    return solve_group(shot, frames, 2, CONFIG, base=base, measured=(), scratch=folder, watch=Stopwatch())


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Share of texels that are bit for bit the same, of those that either shows."""
    shown = (a[..., 3] > 0) | (b[..., 3] > 0)
    return float((a == b).all(axis=-1)[shown].mean())


def test_over_a_border_what_stands_still_keeps_every_bit(shot: Shot, tmp_path: Path) -> None:
    before = solved(shot, 0, tmp_path).layers
    base = partial(shot.footage.frames, 0, 1)
    after, alone = solved(shot, 2, tmp_path, base=base).layers, solved(shot, 2, tmp_path).layers
    within = alike(before.rgba[0], before.rgba[1])
    across = alike(before.rgba[1], after.rgba[0])
    assert within > 0.95 and across > 0.95 > 0.9 > alike(before.rgba[1], alone.rgba[0])
    same = (before.rgba[1] == after.rgba[0]).all(axis=-1) & (after.rgba[0][..., 3] > 0)
    assert np.mean(before.disparity[1][same] == after.disparity[0][same]) > 0.95


def test_a_group_that_has_little_in_common_with_the_first_frame_starts_anew(shot: Shot, tmp_path: Path) -> None:
    def negative() -> Generator[FrameSet]:
        for frame in shot.footage.frames(0, 1):
            yield replace(frame, images={name: 255 - image for name, image in frame.images.items()})

    alone, based = solved(shot, 2, tmp_path), solved(shot, 2, tmp_path, base=negative)
    assert based.anew and not alone.anew
    alone, based = alone.layers, based.layers
    assert np.array_equal(alone.rgba, based.rgba) and np.array_equal(alone.disparity, based.disparity)
