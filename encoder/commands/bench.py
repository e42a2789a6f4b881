"""`lfv bench`: what this version does on this machine, as figures for people and programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from encoder.bench.figure import Figure
from encoder.bench.machine import bench_machine
from encoder.bench.shells import bench_shells
from encoder.bench.shows import bench_show
from encoder.bench.solvers import bench_descent, bench_sweep
from protocol.errors import UsageError
from protocol.storage import write_file

HELP = (
    "Measures this version on this machine: the solvers' kernels against plain torch in the same run, and, with a rig, "
    "encoding by stage, bits, decoding and drawing."
)
EXAMPLES = """\
  lfv bench --json out/bench.json               a list of {"name", "value", "unit"}
  lfv bench --rig rig/                          also encode a rig's footage and play it
  lfv bench --only shells --only machine        some of it
  lfv bench --quick                             seconds; says that it works, not how fast it is
"""

# A benchmark takes `quick` and gives figures. "show" needs a rig.
_WITHOUT_RIG: dict[str, Callable[[bool], list[Figure]]] = {
    "machine": bench_machine,
    "shells": bench_shells,
    "sweep": bench_sweep,
    "descent": bench_descent,
}
NAMES = (*_WITHOUT_RIG, "show")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there; folders are made")
    parser.add_argument("--rig", type=Path, metavar="FOLDER", help="footage for encoding and playing")
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}; again for more"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; returns the exit code."""
    benchmarks = dict(_WITHOUT_RIG)
    if args.rig is not None:
        benchmarks["show"] = partial(bench_show, args.rig)
    names = args.only or list(benchmarks)
    if "show" in names and args.rig is None:
        raise UsageError("--only show needs footage; give --rig FOLDER, such as one of `python -m samples.make_rig`")
    if args.rig is None:
        print("encoding and playing are left out; give --rig FOLDER for them", file=sys.stderr)
    figures = []
    for name in dict.fromkeys(names):
        found = benchmarks[name](args.quick)
        for figure in found:
            print(f"{figure.name:<44} {_number(figure.value):>12} {figure.unit}", flush=True)
        figures += found
    if args.json is not None:
        write_figures(args.json, figures)
    return 0


def write_figures(path: Path, figures: Sequence[Figure]) -> None:
    """A JSON list of {name, value, unit}; the file is there whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_file(path, (json.dumps([asdict(figure) for figure in figures], indent=2) + "\n").encode())


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
