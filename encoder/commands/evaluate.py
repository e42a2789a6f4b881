"""`lfv evaluate`: how good a show is at cameras that it was or was not made from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.evaluate import Compared, compare, rig_targets, view_targets
from encoder.evaluation import Evaluation, Lpips, document, evaluate, mean_of, temporal
from player.frames import rung_named
from player.pictures import encode_png
from protocol.container import open_show
from protocol.errors import UsageError
from protocol.storage import write_file

HELP = (
    "Renders the decoded show with the true lens of each camera and compares: PSNR, SSIM, bits, steadiness. "
    "Cameras that `encode --hold-out` kept out are the honest ones."
)
EXAMPLES = """\
  lfv evaluate show.lfv --rig rig/                            the held-out cameras, or all where none is
  lfv evaluate show.lfv --rig rig/ --cameras cam00 cam05      these
  lfv evaluate show.lfv --views test_views.json               ground-truth views that are no rig cameras
  lfv evaluate show.lfv --rig rig/ --rung low                 at another rung than the best
  lfv evaluate show.lfv --rig rig/ --pictures out/ --json figures.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("show", type=Path, metavar="SHOW.lfv", help="the show")
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument("--rig", type=Path, metavar="RIG", help="the rig that the show was made from")
    truth.add_argument("--views", type=Path, metavar="FILE", help="views in the rig's frame, JSON")
    parser.add_argument("--cameras", nargs="+", metavar="NAME", help="of the rig (the held-out ones, or all)")
    parser.add_argument("--rung", metavar="NAME", help="of the show (the best)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write truth, render and difference side by side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="a TorchScript LPIPS model; none is shipped")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; returns the exit code.

    Raises:
        UsageError, FormatError, RigError, CaptureError, DisplayError: arguments, show, rig, footage or OpenGL fail.
    """
    if args.cameras and args.rig is None:
        raise UsageError("--cameras are cameras of a rig; give --rig too")
    with open_show(args.show) as show:
        rung = rung_named(show.manifest, args.rung)
        targets = rig_targets(show, args.rig, args.cameras) if args.rig else view_targets(show, args.views)
        pairs: Iterable[Compared] = compare(show, targets, rung=rung)
        if args.pictures is not None:
            pairs = _with_pictures(pairs, args.pictures)
        evaluation = evaluate(show, pairs, rung=rung, lpips=_lpips(args.lpips))
    if not evaluation.cameras:
        raise UsageError("no view shows a frame that the show has; give views of its frames")
    _print(evaluation)
    if args.json is not None:
        write_file(args.json, (json.dumps(document(evaluation), indent=2) + "\n").encode())
    return 0


def _print(evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    lpips = mean_of(evaluation, "lpips") is not None
    table = Table("camera", "", "frames", "PSNR dB", "SSIM", *(["LPIPS"] if lpips else []), box=None)
    for name, figures in evaluation.cameras.items():
        kind = {True: "held out", False: "seen", None: "view"}[figures.held_out]
        row = [np.mean(figures.psnr), np.mean(figures.ssim), *([np.mean(figures.lpips)] if lpips else [])]
        table.add_row(name, kind, str(len(figures.psnr)), f"{row[0]:.2f}", *(f"{value:.4f}" for value in row[1:]))
    means = [mean_of(evaluation, key) for key in ("psnr", "ssim", "lpips")]
    table.add_row("mean", "", "", f"{means[0]:.2f}", *(f"{value:.4f}" for value in means[1:] if value is not None))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    if evaluation.stages:
        stages = Table("by stage (first frame)", "MSI", "layers", "decoded", "collapse", "codec", box=None)
        for s in evaluation.stages:
            stages.add_row(
                s.camera,
                *(f"{value:.2f}" for value in (s.msi, s.layers, s.decoded)),
                f"{s.msi - s.layers:+.2f}",
                f"{s.layers - s.decoded:+.2f}",
            )
        console.print(stages)
    console.print(f"{evaluation.bits_per_frame:,.0f} bits per frame, {evaluation.bits_per_second / 1e6:.2f} Mbit/s")
    still = temporal(evaluation)
    if still is not None:
        console.print(f"still pixels change by {still[1]:.2f} levels a frame, in the footage by {still[0]:.2f} (rms)")
    if not lpips:
        console.print("LPIPS not measured: no weights at hand (--lpips)")


def _with_pictures(pairs: Iterable[Compared], folder: Path) -> Iterator[Compared]:
    for pair in pairs:
        truth, render = pair.target.truth, pair.render
        difference = np.abs(truth.astype(np.int16) - render) * 4
        strip = np.concatenate([truth, render, difference.clip(0, 255).astype(np.uint8)], axis=1)
        write_file(folder / f"{pair.target.name}_f{pair.target.frame:04d}.png", encode_png(strip))
        yield pair


def _lpips(path: Path | None) -> Lpips | None:
    """A distance of pictures from a TorchScript module that takes two (1, 3, H, W) batches in -1..1."""
    if path is None:
        return None
    import torch

    try:
        model: Any = torch.jit.load(str(path)).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"{path}: no TorchScript model ({str(error).splitlines()[0]}); give another --lpips"
        ) from error

    def batch(picture: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1.0

    def distance(truth: NDArray[np.uint8], render: NDArray[np.uint8]) -> float:
        with torch.no_grad():
            return float(model(batch(truth), batch(render)).mean())

    return distance
