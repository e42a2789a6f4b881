"""`lfv play`: watch a show in a window, or render it along a head path."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from fractions import Fraction
from pathlib import Path

from player.feed import Feed, ShowFeed
from player.film import Shot, comfort_box, film_to
from player.frames import reading_for_play, rung_named
from player.loader import Loader, LoaderConfig
from player.pose.trace import Trace, circle, read_trace
from player.source.address import Address, parse_address
from player.source.link import LinkOptions
from protocol.container import open_show
from protocol.errors import UsageError

HELP = "Watch a show in a window, or render it along a head path to pictures or a video."
EXAMPLES = """
  lfv play show.lfv                                        watch it; drag to look, w a x d e c to move
  lfv play http://host:8080/show.lfv                       from `lfv serve`, or any web server
  lfv play ws://host:8080/show.lfv                         from `lfv serve`, live shows too; or tcp:// for ZeroMQ
  lfv play show.lfv --headless --out tour.mp4              a small circle of the head, as a video
  lfv play show.lfv --headless --path head.csv --out frames/ --size 1920x1080 --fov 100
  lfv play show.lfv --headless --out pair.mp4 --stereo     left and right eye side by side
  lfv play show.lfv --headless --out stills/ --times 0 1.5  pictures at given seconds

In the window: drag with the left button to look, with the right one to move; w forward, x back, a left, d right, e up,
c down; space pauses, the arrows seek, l goes back to the live edge, 1 to 8 fix a rung and 0 frees it, s shows figures,
r recentres, q quits.
A head path is a CSV file with the header t,x,y,z,qw,qx,qy,qz: seconds, metres, and the head's orientation in the show's
frame (x right, y up, looking along -z).
"""

_RATE_OF_STILLS = Fraction(30)
_PATH_OF_STILLS_S = 4
_LARGEST = 16384


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("show", metavar="SHOW", help="a .lfv file, or its http(s)://, ws(s):// or tcp:// address")
    parser.add_argument(
        "--rung",
        metavar="NAME",
        help="only this rate of the show; default: what network and machine carry, and the highest with --headless",
    )
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="pixels of the window or of one eye")
    parser.add_argument("--fov", type=float, default=90.0, metavar="DEGREES", help="horizontal field of view")
    parser.add_argument("--once", action="store_true", help="stop at the end instead of starting over")
    network = parser.add_argument_group("network")
    network.add_argument("--token", metavar="TEXT", help="what lets you in; default: the environment's LFV_TOKEN")
    network.add_argument("--ca", type=Path, metavar="PEM", help="certificates to trust instead of the system's")
    network.add_argument("--server-key", metavar="KEY", help="public CURVE key of a tcp:// server; encrypts")
    headless = parser.add_argument_group("without a window (of a live show: the part that is there)")
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
    address = parse_address(args.show)
    if not args.headless:
        _watch(address, args, width, height)
    elif address.kind == "file":
        with open_show(Path(address.path)) as show:
            _film(ShowFeed(show, rung_named(show.manifest, args.rung)), args, width, height)
    else:
        config = LoaderConfig(rung=args.rung, best=True)
        with Loader(address, _options(address, args), config) as loader:
            _film(loader, args, width, height)
    return 0


def _options(address: Address, args: argparse.Namespace) -> LinkOptions:
    if args.server_key is not None and address.kind != "tcp":
        raise UsageError(f"--server-key encrypts tcp:// only; {address.kind}:// does not know it")
    if args.ca is not None and not address.secure:
        raise UsageError(f"--ca is for https:// and wss://; {address.kind}:// has no certificate to check")
    token = args.token if args.token is not None else os.environ.get("LFV_TOKEN", "")
    return LinkOptions(token=token, ca_file=args.ca, server_key=args.server_key)


def _watch(address: Address, args: argparse.Namespace, width: int, height: int) -> None:
    # Only the window needs pyvista.
    from player.play import play_in_window
    from player.window import WindowLook

    config = LoaderConfig(rung=args.rung, loop=not args.once)
    with Loader(address, _options(address, args), config) as loader:
        title = f"{loader.manifest.title or address.show} - lfv"
        look = WindowLook(width=width, height=height, fov=math.radians(args.fov), title=title)
        play_in_window(loader, reading_for_play(loader.manifest), look, loop=not args.once)


def _film(feed: Feed, args: argparse.Namespace, width: int, height: int) -> None:
    manifest = feed.manifest
    shot = Shot(
        width=width,
        height=height,
        fov=math.radians(args.fov),
        rate=args.rate or manifest.frame_rate or _RATE_OF_STILLS,
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

    film_to(args.out, feed, _path(feed, args, shot), shot, reading_for_play(manifest), done=done)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"{args.out}: {written} pictures of {shot.width * (2 if shot.ipd else 1)}x{shot.height}")


def _path(feed: Feed, args: argparse.Namespace, shot: Shot) -> Trace:
    if args.path is not None:
        return read_trace(args.path)
    box = comfort_box(feed.manifest)
    last = 1 / shot.rate
    still = feed.manifest.frame_rate is None
    duration = Fraction(_PATH_OF_STILLS_S) if still else feed.index.duration
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
