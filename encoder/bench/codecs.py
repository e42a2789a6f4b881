"""Rate against quality of every codec: one solution, encoded at several qualities, judged as a viewer sees it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from encoder.bench.figure import Figure
from encoder.config import EncodeConfig
from encoder.evaluate import Target, compare, rig_targets, view_targets
from encoder.metrics import psnr
from encoder.pipeline import encode_shot
from encoder.rig.rig import read_rig
from encoder.shot import prepare
from encoder.solve_group import SolvedGroup, solve_group
from encoder.video.encoders import CODECS, DEFAULT_QUALITY, Codec
from protocol.container import Show, open_show

# From the best to where pictures fall apart; a step of 6 (12 for AV1) halves the rate.
QUALITIES: dict[Codec, tuple[int, ...]] = {
    "h264": (14, 17, 20, 23, 26, 30),
    "hevc": (16, 19, 22, 25, 28, 32),
    "av1": (20, 26, 33, 39, 45, 53),
}
_VIEWS = "test_views.json"
_FRAMES = 4


def bench_codecs(rig: Path, quick: bool) -> list[Figure]:
    """Bits a frame and PSNR at views that no camera filmed, for each codec at each quality; and seconds of its encoder.

    The rig's first four frames are solved once, and encoded as one group of pictures. A rig without ground-truth views
    (`test_views.json`) is judged at its first camera, which is then held out.

    Raises:
        what `encode_rig` and the player raise.
    """
    config = EncodeConfig(frames=_FRAMES)
    if quick:
        config = replace(config, scale=Fraction(1, 2), frames=2, shells=8, layers=4, solve=config.solve.with_steps(2))
    if not (rig / _VIEWS).exists():
        config = replace(config, hold_out=(_first_camera(rig),))
    shot = prepare(rig, config)
    groups: dict[int, SolvedGroup] = {}

    def solved(shot: Any, frames: Any, *rest: Any, **more: Any) -> SolvedGroup:
        first = next(frames()).index
        if first not in groups:
            groups[first] = solve_group(shot, frames, *rest, **more)
        return groups[first]

    out: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder:
        for codec in CODECS:
            for quality in (DEFAULT_QUALITY[codec],) if quick else QUALITIES[codec]:
                path = Path(folder) / f"{codec}-{quality}.lfv"
                started = time.perf_counter()
                seconds = encode_shot(
                    shot, path, replace(config, codec=codec, quality=quality), solve=solved
                ).seconds.get("video", time.perf_counter() - started)
                with open_show(path) as show:
                    name, frames = f"{codec}_{quality}", show.index.frame_count
                    out += [
                        Figure(f"{name}_bits_per_frame", _bits(show) / frames, "bit"),
                        Figure(f"{name}_psnr", _psnr(show, rig), "dB"),
                        Figure(f"{name}_video_seconds_per_frame", seconds / frames, "s"),
                    ]
                path.unlink()
    return out


def _first_camera(rig: Path) -> str:
    return read_rig(rig).cameras[0].name


def _bits(show: Show) -> int:
    return 8 * sum(segment.length for chunk in show.index.chunks for segment in chunk.segments)


def _psnr(show: Show, rig: Path) -> float:
    """Mean over the views, dB."""
    targets: Generator[list[Target]] = (
        view_targets(show, rig / _VIEWS) if (rig / _VIEWS).exists() else rig_targets(show, rig, None)
    )
    return float(
        np.mean([psnr(c.target.truth / 255.0, c.render / 255.0, c.target.mask) for c in compare(show, targets, rung=0)])
    )
