"""`lfv inspect`: what a rig's folder or a show holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from protocol.errors import UsageError

HELP = (
    "Says what a rig's folder holds (cameras, lenses, baselines, near and far, what has no partner) and draws it, or "
    "what a show holds (chunks, rungs, layers, sizes)."
)
EXAMPLES = """\
  lfv inspect rig/                        a table, and the picture rig-rig.png
  lfv inspect rig/ --picture cameras.png  the picture elsewhere
  lfv inspect rig/ --near 0.5 --far 30    shells needed for that range
  lfv inspect show.lfv --json             a show, for programs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("path", type=Path, metavar="RIG|SHOW", help="a rig's folder, or a show")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and draw only with --picture")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where the rig's picture goes (NAME-rig.png)")
    parser.add_argument("--no-picture", action="store_true", help="draw nothing")
    parser.add_argument("--near", type=_distance, metavar="D", help="nearest surface, in the rig's units")
    parser.add_argument("--far", type=_distance, metavar="D", help="farthest surface, in the rig's units; may be inf")


def run(args: argparse.Namespace) -> int:
    """Prints; returns the exit code.

    Raises:
        UsageError: there is nothing at the path, or the options contradict each other.
    """
    if args.near is not None and args.far is not None and args.near >= args.far:
        raise UsageError(f"--near {args.near:g} is not nearer than --far {args.far:g}; exchange them")
    if args.path.is_dir():
        _inspect_rig(args)
        return 0
    if not args.path.exists():
        raise UsageError(f"{args.path}: there is no such folder or file; give a rig's folder or a show")
    from encoder.commands.inspect_show import describe_show

    print(describe_show(args.path, json=args.json))
    return 0


def _inspect_rig(args: argparse.Namespace) -> None:
    # Loaded here: a show is inspected without any of it.
    if args.picture is not None and (args.picture.suffix.lower() != ".png" or args.picture.is_dir()):
        raise UsageError(f"--picture {args.picture}: pictures are PNG; name a file such as rig.png")
    from encoder.rig.report import rig_facts, rig_figures, rig_text
    from encoder.rig.rig import read_rig

    figures = rig_figures(read_rig(args.path), near=args.near, far=args.far)
    print(json.dumps(rig_facts(figures), indent=2) if args.json else rig_text(figures))
    if args.no_picture or (args.json and args.picture is None):
        return
    from encoder.rig.picture import write_picture

    path = args.picture or Path(f"{figures.rig_show.name}-rig.png")
    write_picture(figures, path)
    if not args.json:
        print(f"picture       {path}")


def _distance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive distance")
    return value
