"""`lfv encode`, alias `encode`: a rig's footage becomes a show."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

from encoder.config import EncodeConfig
from encoder.layers.refine import RefineConfig
from encoder.meshing import BUDGETS
from encoder.msi.solve import SolveConfig, SolverName
from encoder.pipeline import encode_rig
from encoder.progress import EncodeProgress
from encoder.video.encoders import CODECS, QUALITY_RANGE, Codec
from encoder.video.ladder import COMMON_CODEC
from protocol.budget import HEADSET
from protocol.errors import UsageError

HELP = (
    "Makes a show of a rig's footage: finds depth, collapses it into a few layered meshes, packs their textures into a "
    "video. Interrupted or killed, the same command goes on where it stopped."
)
EXAMPLES = """\
  encode rig/ --out show.lfv                      everything by itself
  encode rig/ --out show.lfv --scale 0.5          half the resolution, a quarter of the time
  encode rig/ --out show.lfv --hold-out cam00     keep a camera out, to judge the show by it
  encode rig/ --out show.lfv --near 0.5 --far 30  where the range is known
  encode rig/ --out show.lfv --sound stage.wav    with sound; also the name of a camera
  encode rig/ --out show.lfv --solver sweep       a preview in seconds
  encode rig/ --out show.lfv --solver network     the solver that learned; --weights FILE of your own
  encode rig/ --out show.lfv --codec hevc --quality 18
  encode rig/ --out show.lfv --ladder             four rates, for networks and devices of all kinds
  encode rig/ --out show.lfv --profile headset    no more than a headset draws in time
  encode rig/ --out show.lfv --live --solver sweep --gop 0.5   for 'lfv serve --live show.lfv', as if filmed now
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    default, refine = EncodeConfig(), RefineConfig()
    parser.add_argument("rig", type=Path, metavar="RIG", help="the folder with calibration and footage")
    parser.add_argument("--out", type=Path, required=True, metavar="SHOW.lfv", help="the show to write")
    parser.add_argument("--restart", action="store_true", help="begin anew instead of going on")
    parser.add_argument("--live", action="store_true", help="play the footage at its own pace, for a relay to follow")
    footage = parser.add_argument_group("footage")
    footage.add_argument("--scale", type=_scale, default=default.scale, help="of the pictures, up to 1 (%(default)s)")
    footage.add_argument("--start", type=_seconds, default=default.start_s, metavar="S", help="seconds to leave out")
    footage.add_argument("--frames", type=_count, metavar="N", help="at most so many frames")
    footage.add_argument("--rate", type=_rate, metavar="FPS", help="of image sequences, e.g. 30000/1001 (30)")
    footage.add_argument(
        "--hold-out", action="append", default=[], metavar="NAME", help="keep a camera out; may be given again"
    )
    footage.add_argument(
        "--sound", default="none", metavar="FILE|CAMERA|none", help="a sound file, or a camera's track"
    )
    space = parser.add_argument_group("space")
    space.add_argument("--geometry", choices=("sphere", "plane"), help="of the shells (chosen by the rig)")
    space.add_argument("--near", type=_distance, metavar="D", help="nearest surface, in the rig's units (found)")
    space.add_argument("--far", type=_distance, metavar="D", help="farthest surface, in the rig's units (found)")
    space.add_argument("--shells", type=_count, metavar="N", help=f"how many (up to {default.most_shells}, by the rig)")
    space.add_argument("--density", type=_distance, metavar="T", help="texels per radian (as the cameras)")
    space.add_argument("--layers", type=_layers, default=default.layers, metavar="L", help="of the show (%(default)s)")
    solver = parser.add_argument_group("solver")
    solver.add_argument(
        "--solver",
        choices=get_args(SolverName),
        default=default.solve.solver,
        help="%(default)s; sweep is a preview, network learned to descend in a few steps, stereo is for two cameras",
    )
    solver.add_argument("--weights", type=Path, metavar="FILE", help="of the network, by lfv train (those shipped)")
    solver.add_argument(
        "--steps",
        type=_count,
        default=refine.steps,
        metavar="N",
        help="of the shells' descent and the layers' refinement (%(default)s)",
    )
    solver.add_argument(
        "--memory", type=_gibibytes, default=default.memory, metavar="GIB", help="for the shells of one tile (4)"
    )
    video = parser.add_argument_group("video")
    video.add_argument(
        "--codec",
        choices=("auto", *CODECS),
        default=default.codec,
        help="%(default)s: h264, and av1 for what is too large for it",
    )
    video.add_argument("--quality", type=int, metavar="CRF", help="smaller is better (by codec; of h264 with auto)")
    video.add_argument(
        "--ladder",
        action="store_true",
        help="up to four rates: at most 80, 40, 25 and 15 Mbit/s",
    )
    video.add_argument(
        "--profile",
        choices=tuple(BUDGETS),
        default=default.profile,
        help="what is to draw it (%(default)s); headset: fewer layers, at most "
        f"{HEADSET.coverage_mean:g} screens blended",
    )
    video.add_argument("--backend", choices=("auto", "software", "nvenc"), default=default.backend, help="%(default)s")
    video.add_argument(
        "--gop", type=_seconds, default=default.gop_s, metavar="S", help="seconds of a chunk (%(default)s)"
    )
    parser.add_argument("--title", type=_text, metavar="TEXT", help="of the show (the rig's name)")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(args: argparse.Namespace) -> int:
    """Encodes; returns the exit code."""
    config = config_of(args)
    with EncodeProgress(quiet=args.quiet) as progress:
        encoded = encode_rig(
            args.rig, args.out, config, restart=args.restart, live=args.live, progress=progress.callbacks
        )
    progress.summary(encoded)
    return 0


def config_of(args: argparse.Namespace) -> EncodeConfig:
    """The settings that the options mean. Raises UsageError."""
    if args.near is not None and args.far is not None and args.near >= args.far:
        raise UsageError(f"--near {args.near:g} is not nearer than --far {args.far:g}; exchange them")
    if args.quality is not None:
        codec: Codec = COMMON_CODEC if args.codec == "auto" else args.codec
        low, high = QUALITY_RANGE[codec]
        if not low <= args.quality <= high:
            raise UsageError(f"--quality {args.quality} is no {codec} quality; give one from {low} (best) to {high}")
    if not Fraction(1, 10) <= args.gop <= 2:
        raise UsageError(f"--gop {float(args.gop):g} s is no length of a chunk; give 0.1 to 2 seconds")
    if args.shells is not None and not 2 <= args.shells <= 512:
        raise UsageError(f"--shells {args.shells} is too few or too many; give 2 to 512")
    return EncodeConfig(
        hold_out=tuple(dict.fromkeys(args.hold_out)),
        scale=args.scale,
        start_s=args.start,
        frames=args.frames,
        image_rate=args.rate,
        geometry=args.geometry,
        near=args.near,
        far=args.far,
        shells=args.shells,
        density=args.density,
        layers=args.layers,
        gop_s=args.gop,
        codec=args.codec,
        quality=args.quality,
        backend=args.backend,
        ladder=args.ladder,
        profile=args.profile,
        sound=None if args.sound == "none" else args.sound,
        memory=args.memory,
        title=args.title,
        solve=_solve_config(args),
    )


def _solve_config(args: argparse.Namespace) -> SolveConfig:
    config = SolveConfig(solver=args.solver).with_steps(args.steps)
    if args.weights is not None and not config.learned:
        raise UsageError(f"--weights are of a network; give --solver network too, not {args.solver}")
    if not config.learned:
        return config
    from encoder.msi.learned import load_network, shipped  # with torch, which the other solvers do without

    weights = args.weights or shipped(config.solver)
    load_network(config.solver, weights)
    return replace(config, weights=weights, digest=hashlib.blake2b(weights.read_bytes(), digest_size=16).hexdigest())


def _number(text: str, what: str) -> Fraction:
    try:
        # A float first: Fraction("1e999999999") would never end.
        if "/" not in text and not abs(float(text)) < 1e9:
            raise ValueError(text)
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"'{text}' is no {what}") from None


def _text(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("a title has at most 200 printable characters")
    return text


def _scale(text: str) -> Fraction:
    value = _number(text, "scale")
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no scale above 0 and up to 1")
    return value


def _seconds(text: str) -> Fraction:
    value = _number(text, "time in seconds")
    if value < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is below 0 seconds")
    return value


def _rate(text: str) -> Fraction:
    value = _number(text, "frame rate")
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is no frame rate above 0 and up to 1000")
    return value


def _distance(text: str) -> float:
    value = float(_number(text, "positive number"))
    if not value > 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive number")
    return value


def _gibibytes(text: str) -> int:
    return int(_distance(text) * 2**30)


def _count(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 up")
    return value


def _layers(text: str) -> int:
    value = _count(text)
    if value > 64:
        raise argparse.ArgumentTypeError(f"{value} layers are more than a player draws; give at most 64")
    return value
