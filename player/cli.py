"""`lfv play`: watch a show in a window, or render it along a head path."""

from __future__ import annotations

import argparse
import math
import re
import sys
from fractions import Fraction
from pathlib import Path

from player.film import Shot, comfort_box, film_to
from player.frames import FrameReading, reading_for_play, rung_named
from player.pose.trace import Trace, circle, read_trace
from protocol.container import Show, open_show
from protocol.errors import UsageError

HELP = "Watch a show in a window, or render it along a head path to pictures or a video."
EXAMPLES = """
  lfv play show.lfv                                        watch it; drag to look, w a x d e c to move
  lfv play show.lfv --headless --out tour.mp4              a small circle of the head, as a video
  lfv play show.lfv --headless --path head.csv --out frames/ --size 1920x1080 --fov 100
  lfv play show.lfv --headless --out pair.mp4 --stereo     left and right eye side by side
  lfv play show.lfv --headless --out stills/ --times 0 1.5  pictures at given seconds

In the window: drag with the left button to look, with the right one to move; w forward, x back, a left, d right, e up,
c down; space pauses, the arrows seek, s shows figures, r recentres, q quits.
A head path is a CSV file with the header t,x,y,z,qw,qx,qy,qz: seconds, metres, and the head's orientation in the show's
frame (x right, y up, looking along -z).
"""

_RATE_OF_STILLS = Fraction(30)
_PATH_OF_STILLS_S = 4
_LARGEST = 16384


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("show", type=Path, help="the .lfv file")
    parser.add_argument("--rung", metavar="NAME", help="which rate of the show; default: the highest")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="pixels of the window or of one eye")
    parser.add_argument("--fov", type=float, default=90.0, metavar="DEGREES", help="horizontal field of view")
    parser.add_argument("--once", action="store_true", help="stop at the end instead of starting over")
    headless = parser.add_argument_group("without a window")
    headless.add_argument("--headless", action="store_true", help="render offscreen to --out")
    headless.add_argument("--out", type=Path, metavar="PATH", help="a folder for PNGs, or a video (.mp4 .mkv .mov)")
    headless.add_argument("--path", type=Path, metavar="CSV", help="the head's path; default: a small circle")
    headless.add_argument("--stereo", action="store_true", help="left and right eye side by side")
    headless.add_argument("--ipd", type=float, default=0.063, metavar="METRES", help="distance of the eyes")
    headless.add_argument("--rate", type=_fraction, metavar="FPS", help="pictures a second; default: the show's")
    headless.add_argument("--times", type=_fraction, nargs="+", default=[], metavar="S", help="only these seconds")
    headless.add_argument("--samples", type=int, default=1, metavar="N", help="average NxN samples a pixel")


def run(args: argparse.Namespace) -> int:
    """Play. Raises LfvError."""
    width, height = _size(args.size)
    _check(args)
    with open_show(args.show) as show:
        reading = reading_for_play(show, rung_named(show, args.rung))
        if args.headless:
            _film(show, reading, args, width, height)
        else:
            _watch(show, reading, args, width, height)
    return 0


def _watch(show: Show, reading: FrameReading, args: argparse.Namespace, width: int, height: int) -> None:
    # Only the window needs pyvista.
    from player.play import play_in_window
    from player.window import WindowLook

    title = f"{show.manifest.title or args.show.name} - lfv"
    look = WindowLook(width=width, height=height, fov=math.radians(args.fov), title=title)
    play_in_window(show, reading, look, loop=not args.once)


def _film(show: Show, reading: FrameReading, args: argparse.Namespace, width: int, height: int) -> None:
    shot = Shot(
        width=width,
        height=height,
        fov=math.radians(args.fov),
        rate=args.rate or show.manifest.frame_rate or _RATE_OF_STILLS,
        ipd=args.ipd if args.stereo else 0.0,
        times=tuple(args.times),
        samples=args.samples,
    )
    written = 0

    def done(count: int) -> None:
        nonlocal written
        written = count
        if sys.stderr.isatty():
            print(f"\r{count} pictures", end="", file=sys.stderr, flush=True)

    film_to(args.out, show, _path(show, args, shot), shot, reading, done=done)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"{args.out}: {written} pictures of {shot.width * (2 if shot.ipd else 1)}x{shot.height}")


def _path(show: Show, args: argparse.Namespace, shot: Shot) -> Trace:
    if args.path is not None:
        return read_trace(args.path)
    box = comfort_box(show.manifest)
    last = 1 / shot.rate
    still = show.manifest.frame_rate is None
    duration = Fraction(_PATH_OF_STILLS_S) if still else show.index.duration
    return circle(box.low, box.high, duration_s=float(duration - last), rate=float(shot.rate))


def _fraction(text: str) -> Fraction:
    try:
        value = float(text) if "/" not in text else 0.0
        if not abs(value) < 1e9:
            raise ValueError(text)
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text} is no number; write it like 30, 29.97 or 30000/1001") from None


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    width, height = map(int, match.groups()) if match else (0, 0)
    if not (16 <= width <= _LARGEST and 16 <= height <= _LARGEST):
        raise UsageError(f"--size {text} is no size; write it like 1280x720, 16 to {_LARGEST} a side")
    return width, height


def _check(args: argparse.Namespace) -> None:
    if not 1.0 <= args.fov <= 170.0:
        raise UsageError(f"--fov {args.fov:g} cannot be drawn; give 1 to 170 degrees")
    if not 1 <= args.samples <= 8:
        raise UsageError(f"--samples {args.samples} is out of range; give 1 to 8")
    if not 0.0 < args.ipd <= 1.0:
        raise UsageError(f"--ipd {args.ipd:g} is out of range; give metres, like 0.063")
    if args.rate is not None and not 0 < args.rate <= 1000:
        raise UsageError(f"--rate {args.rate} is out of range; give pictures per second, like 30 or 30000/1001")
    if any(time < 0 for time in args.times):
        raise UsageError("--times are seconds from the show's start; give none below 0")
    if args.headless and args.out is None:
        raise UsageError("--headless needs a place to write to; add --out FOLDER or --out VIDEO.mp4")
    if not args.headless and (args.out or args.path or args.stereo or args.times):
        raise UsageError("--out, --path, --stereo and --times need --headless; add it")
