"""The figures of an evaluation: per camera and in the mean, by stage, in time, and what it costs in bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.evaluate import Compared
from encoder.metrics import psnr, ssim
from encoder.steadiness import AWAY, Steadiness, steadiness, still_change
from protocol.container import Show

Lpips = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]
OnCompared = Callable[[Compared, float], None]


@dataclass
class CameraFigures:
    """Figures of one camera, a list entry per frame.

    Attributes:
        held_out: None for views that are no rig cameras.
        frames: of the show, increasing.
        psnr, ssim, lpips: of each frame.
        still: of each pair of neighbouring frames all still pixels, see `still_change`.
        inside, across: the same of still regions alone, for frames of one chunk and of two.
    """

    held_out: bool | None
    frames: list[int] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    lpips: list[float] = field(default_factory=list)
    still: list[tuple[float, float]] = field(default_factory=list)
    inside: list[tuple[float, float]] = field(default_factory=list)
    across: list[tuple[float, float]] = field(default_factory=list)


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
    """All figures of a show. `borders` are the first frames of all chunks but the first."""

    cameras: dict[str, CameraFigures]
    stages: tuple[StageLoss, ...]
    borders: tuple[int, ...]
    bits_per_frame: float
    bits_per_second: float


def evaluate(
    show: Show,
    compared: Iterable[Compared],
    *,
    rung: int,
    lpips: Lpips | None = None,
    on_compared: OnCompared | None = None,
) -> Evaluation:
    """Gathers figures; consumes `compared`, frame after frame. `on_compared` hears of each pair and its PSNR in dB."""
    cameras: dict[str, CameraFigures] = {}
    before: dict[str, Compared] = {}
    borders = tuple(chunk.first_frame for chunk in show.index.chunks[1:])
    for pair in compared:
        target = pair.target
        figures = cameras.setdefault(target.name, CameraFigures(target.held_out))
        truth, render = target.truth / 255.0, pair.render / 255.0
        figures.frames.append(target.frame)
        figures.psnr.append(psnr(truth, render, target.mask))
        figures.ssim.append(ssim(truth, render, target.mask))
        if lpips is not None:
            figures.lpips.append(lpips(target.truth, pair.render))
        last = before.get(target.name)
        if last is not None and last.target.frame == target.frame - 1:
            regions = figures.across if target.frame in borders else figures.inside
            for changes, away in ((figures.still, 0.0), (regions, AWAY)):
                change = still_change(last, pair, away=away)
                changes += [] if change is None else [change]
        before[target.name] = pair
        if on_compared is not None:
            on_compared(pair, figures.psnr[-1])
    return Evaluation(
        cameras=cameras,
        stages=_stages(show, cameras),
        borders=borders,
        bits_per_frame=_bits(show, rung) / show.manifest.frame_count,
        bits_per_second=_bits(show, rung) / float(show.manifest.duration),
    )


def mean_of(evaluation: Evaluation, key: str) -> float | None:
    """Mean over cameras of the mean over frames of "psnr", "ssim" or "lpips"; None where nothing was measured."""
    rows = [getattr(figures, key) for figures in evaluation.cameras.values()]
    return float(np.mean([np.mean(row) for row in rows])) if rows and all(rows) else None


def temporal(evaluation: Evaluation) -> Steadiness | None:
    """How steady the show is; None where no camera has two frames that follow each other, as in stills."""
    cameras = [
        figures
        for figures in evaluation.cameras.values()
        if any(after == before + 1 for before, after in pairwise(figures.frames))
    ]
    if not cameras:
        return None
    still, inside, across = (
        [change for figures in cameras for change in getattr(figures, name)] for name in ("still", "inside", "across")
    )
    psnr_of_frames = [(figures.frames, figures.psnr) for figures in cameras]
    return steadiness(still, inside, across, psnr_of_frames, evaluation.borders)


def document(evaluation: Evaluation) -> dict[str, Any]:
    """The figures for programs.

    mean.psnr, mean.ssim, cameras.NAME.{psnr, ssim, held_out}, bits_per_frame, bits_per_second and more; `temporal` has
    the fields of `Steadiness` and is None for stills.
    """
    steady = temporal(evaluation)
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
        "temporal": None if steady is None else asdict(steady),
        "bits_per_frame": evaluation.bits_per_frame,
        "bits_per_second": evaluation.bits_per_second,
    }


def _stages(show: Show, cameras: dict[str, CameraFigures]) -> tuple[StageLoss, ...]:
    out = []
    for stage in show.manifest.stages:
        figures = cameras.get(stage.camera)
        if figures is None or stage.frame not in figures.frames:
            continue
        decoded = figures.psnr[figures.frames.index(stage.frame)]
        out.append(StageLoss(stage.camera, stage.held_out, stage.msi_psnr, stage.layers_psnr, decoded))
    return tuple(out)


def _bits(show: Show, rung: int) -> int:
    return 8 * sum(chunk.segments[rung].length for chunk in show.index.chunks)
