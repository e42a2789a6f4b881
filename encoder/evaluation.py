"""The figures of an evaluation: per camera and in the mean, by stage, in time, and what it costs in bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.evaluate import Compared
from encoder.metrics import psnr, ssim
from protocol.container import Show

Lpips = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]
_STILL = 2  # levels of 255 by which a pixel of the truth may change and still counts as still


@dataclass
class CameraFigures:
    """Figures of one camera, a list entry per frame.

    Attributes:
        psnr, ssim, lpips: of each frame.
        held_out: None for views that are no rig cameras.
        flicker_truth, flicker_render: mean squared change between frames, of pixels that are still in the truth.
    """

    held_out: bool | None
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    lpips: list[float] = field(default_factory=list)
    flicker_truth: list[float] = field(default_factory=list)
    flicker_render: list[float] = field(default_factory=list)
    first_frame: int = 0


@dataclass(frozen=True)
class StageLoss:
    """PSNR in dB of one camera's frame after each stage."""

    camera: str
    held_out: bool
    msi: float
    layers: float
    decoded: float


@dataclass(frozen=True)
class Evaluation:
    """All figures of a show."""

    cameras: dict[str, CameraFigures]
    stages: tuple[StageLoss, ...]
    bits_per_frame: float
    bits_per_second: float


def evaluate(show: Show, compared: Iterable[Compared], *, rung: int, lpips: Lpips | None = None) -> Evaluation:
    """Gathers figures; consumes `compared`, frame after frame."""
    cameras: dict[str, CameraFigures] = {}
    before: dict[str, Compared] = {}
    for pair in compared:
        target = pair.target
        figures = cameras.setdefault(target.name, CameraFigures(target.held_out, first_frame=target.frame))
        truth, render = target.truth / 255.0, pair.render / 255.0
        figures.psnr.append(psnr(truth, render, target.mask))
        figures.ssim.append(ssim(truth, render, target.mask))
        if lpips is not None:
            figures.lpips.append(lpips(target.truth, pair.render))
        last = before.get(target.name)
        if last is not None and last.target.frame == target.frame - 1:
            _flicker(figures, last, pair)
        before[target.name] = pair
    return Evaluation(
        cameras=cameras,
        stages=_stages(show, cameras),
        bits_per_frame=_bits(show, rung) / show.manifest.frame_count,
        bits_per_second=_bits(show, rung) / float(show.manifest.duration),
    )


def mean_of(evaluation: Evaluation, key: str) -> float | None:
    """Mean over cameras of the mean over frames of "psnr", "ssim" or "lpips"; None where nothing was measured."""
    rows = [getattr(figures, key) for figures in evaluation.cameras.values()]
    return float(np.mean([np.mean(row) for row in rows])) if rows and all(rows) else None


def temporal(evaluation: Evaluation) -> tuple[float, float] | None:
    """Root mean square change per frame of still pixels, in levels of 255: (truth, show); None for stills."""
    truth = [value for figures in evaluation.cameras.values() for value in figures.flicker_truth]
    render = [value for figures in evaluation.cameras.values() for value in figures.flicker_render]
    return (float(np.sqrt(np.mean(truth))), float(np.sqrt(np.mean(render)))) if truth else None


def document(evaluation: Evaluation) -> dict[str, Any]:
    """The figures for programs.

    mean.psnr, mean.ssim, cameras.NAME.{psnr, ssim, held_out}, bits_per_frame, bits_per_second and more.
    """
    still = temporal(evaluation)
    return {
        "mean": {key: mean_of(evaluation, key) for key in ("psnr", "ssim", "lpips")},
        "cameras": {
            name: {
                "psnr": float(np.mean(figures.psnr)),
                "ssim": float(np.mean(figures.ssim)),
                "held_out": figures.held_out,
                "frames": len(figures.psnr),
                **({"lpips": float(np.mean(figures.lpips))} if figures.lpips else {}),
            }
            for name, figures in evaluation.cameras.items()
        },
        "stages": [vars(stage) for stage in evaluation.stages],
        "temporal": None if still is None else {"truth_rms": still[0], "show_rms": still[1]},
        "bits_per_frame": evaluation.bits_per_frame,
        "bits_per_second": evaluation.bits_per_second,
    }


def _flicker(figures: CameraFigures, last: Compared, now: Compared) -> None:
    truth = now.target.truth.astype(np.int16) - last.target.truth
    render = now.render.astype(np.int16) - last.render
    still = (np.abs(truth).max(axis=-1) <= _STILL) & now.target.mask
    if still.any():
        figures.flicker_truth.append(float(np.mean(truth[still].astype(np.float64) ** 2)))
        figures.flicker_render.append(float(np.mean(render[still].astype(np.float64) ** 2)))


def _stages(show: Show, cameras: dict[str, CameraFigures]) -> tuple[StageLoss, ...]:
    out = []
    for stage in show.manifest.stages:
        figures = cameras.get(stage.camera)
        if figures is None or not 0 <= stage.frame - figures.first_frame < len(figures.psnr):
            continue
        decoded = figures.psnr[stage.frame - figures.first_frame]
        out.append(StageLoss(stage.camera, stage.held_out, stage.msi_psnr, stage.layers_psnr, decoded))
    return tuple(out)


def _bits(show: Show, rung: int) -> int:
    return 8 * sum(chunk.segments[rung].length for chunk in show.index.chunks)
