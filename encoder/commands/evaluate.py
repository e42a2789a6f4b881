"""`lfv evaluate`: how good a show is at cameras that it was or was not made from."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import numpy as np

from encoder.evaluate import Compared, compare, rig_targets, view_targets
from encoder.evaluation import Evaluation, document, evaluate, mean_of, temporal
from encoder.judged import JudgedRung, rung_document
from encoder.lpips import load_lpips
from encoder.report.page import page
from encoder.report.pictures import Album
from encoder.report.report import Report
from encoder.sizes import sizes_of
from encoder.steadiness import AWAY, Steadiness
from encoder.version import lfv_version
from player.frames import rung_named
from player.pictures import encode_png
from protocol.container import Show, located, open_show
from protocol.errors import UsageError
from protocol.storage import check_output, reporting, write_file

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
  lfv evaluate show.lfv --rig rig/ --report report.html       a page to send on: figures, curves, pictures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("show", type=Path, metavar="SHOW.lfv", help="the show")
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument("--rig", type=Path, metavar="RIG", help="the rig that the show was made from")
    truth.add_argument("--views", type=Path, metavar="FILE", help="views in the rig's frame, JSON")
    parser.add_argument("--cameras", nargs="+", metavar="NAME", help="of the rig (the held-out ones, or all)")
    parser.add_argument("--rung", metavar="NAME", help="of the show (the best; for --report all, the best first)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write truth, render and difference side by side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write one HTML page with everything in it; judges all rungs, each of which takes as long as the first, "
        "unless --rung names one",
    )
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="a TorchScript LPIPS model; none is shipped")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; returns the exit code.

    Raises:
        UsageError, FormatError, RigError, CaptureError, DisplayError: arguments, show, rig, footage or OpenGL fail.
    """
    if args.cameras and args.rig is None:
        raise UsageError("--cameras are cameras of a rig; give --rig too")
    if args.report is not None:
        _check_report(args)
    lpips = load_lpips(args.lpips)
    album = Album()
    with open_show(args.show) as show, located(str(args.show)):
        first, *others = _rungs(show, args)
        pairs = _compared(show, args, first)
        if args.pictures is not None:
            pairs = _with_pictures(pairs, args.pictures)
        on_compared = None if args.report is None else album.add
        evaluation = evaluate(show, pairs, rung=first, lpips=lpips, on_compared=on_compared)
        if not evaluation.cameras:
            raise UsageError(
                "no view shows a frame that the show has; give views of its frames"
                if args.rig is None
                else "the cameras show nothing but one plain colour; give others with --cameras"
            )
        _print(evaluation)
        evaluations = {first: evaluation}
        for rung in others:
            evaluations[rung] = evaluate(show, _compared(show, args, rung), rung=rung)
        judged = [JudgedRung(show.manifest.rungs[rung], e, sizes_of(show, rung)) for rung, e in evaluations.items()]
    if args.report is not None:
        write_file(args.report, page(_report(show, args, judged, album)))
    if args.json is not None:
        figures = document(evaluation) | {"rungs": [rung_document(rung) for rung in judged]}
        write_file(args.json, (json.dumps(figures, indent=2) + "\n").encode())
    return 0


def _check_report(args: argparse.Namespace) -> None:
    """Its folder is made, as for the other outputs; that it can be written is found out before hours of work."""
    path: Path = args.report
    for other in (args.show, args.views, args.lpips, args.json):
        if other is not None and os.path.realpath(other) == os.path.realpath(path):
            raise UsageError(f"--report {path} would overwrite {other}; choose another name")
    with reporting(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    check_output(path, option="--report", example="report.html")


def _rungs(show: Show, args: argparse.Namespace) -> list[int]:
    """Of the show those to be judged; the first is the one that all figures are of."""
    first = rung_named(show.manifest, args.rung)
    others = [] if args.report is None or args.rung is not None else range(len(show.manifest.rungs))
    numbers = [first, *(number for number in others if number != first)]
    if len(numbers) > 1:
        print(f"judging {len(numbers)} rungs, one after the other; --rung NAME judges one", file=sys.stderr)
    return numbers


def _compared(show: Show, args: argparse.Namespace, rung: int) -> Iterable[Compared]:
    targets = rig_targets(show, args.rig, args.cameras) if args.rig else view_targets(show, args.views)
    return compare(show, targets, rung=rung)


def _report(show: Show, args: argparse.Namespace, judged: list[JudgedRung], album: Album) -> Report:
    return Report(
        manifest=show.manifest,
        file=args.show.name,
        file_bytes=show.header.file_bytes,
        chunks=len(show.index.chunks),
        against=(args.rig or args.views).resolve().name,
        rungs=tuple(judged),
        pictures=album.worst,
        made=date.today(),
        version=lfv_version(),
    )


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
        stages = Table("by stage (first frame)", "shells", "layers", "decoded", "gained", "codec", box=None)
        for s in evaluation.stages:
            stages.add_row(
                s.camera,
                *(f"{value:.2f}" for value in (s.msi, s.layers, s.decoded)),
                f"{s.layers - s.msi:+.2f}",
                f"{s.decoded - s.layers:+.2f}",
            )
        console.print(stages)
    console.print(f"{evaluation.bits_per_frame:,.0f} bits per frame, {evaluation.bits_per_second / 1e6:.2f} Mbit/s")
    steady = temporal(evaluation)
    if steady is not None:
        for line in _steady_lines(steady):
            console.print(line)
    if not lpips:
        console.print("LPIPS not measured: no weights at hand (--lpips)")


def _steady_lines(steady: Steadiness) -> Iterator[str]:
    if steady.truth_rms is not None:
        ratio = "" if steady.variance_ratio is None else f", {steady.variance_ratio:.2f} times its variance"
        yield (
            f"still pixels change by {steady.show_rms:.2f} levels a frame, "
            f"in the footage by {steady.truth_rms:.2f} (rms){ratio}"
        )
    if steady.away_ratio is not None:
        yield f"still regions, {AWAY:.0%} of the height from what moves: {steady.away_ratio:.2f} times the variance"
    if steady.across_rms is not None:
        inside = "" if steady.inside_rms is None else f"{steady.inside_rms:.2f} levels a frame inside chunks, "
        yield f"still regions change by {inside}{steady.across_rms:.2f} at their borders (rms)"
    if steady.border_dip_db is not None:
        yield f"PSNR dips by {steady.border_dip_db:.2f} dB at the borders of chunks"


def _with_pictures(pairs: Iterable[Compared], folder: Path) -> Iterator[Compared]:
    for pair in pairs:
        truth, render = pair.target.truth, pair.render
        difference = np.abs(truth.astype(np.int16) - render) * 4
        strip = np.concatenate([truth, render, difference.clip(0, 255).astype(np.uint8)], axis=1)
        write_file(folder / f"{pair.target.name}_f{pair.target.frame:04d}.png", encode_png(strip))
        yield pair
