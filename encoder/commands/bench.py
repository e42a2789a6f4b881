"""`lfv bench`: what this version does on this machine, as figures for people and programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from encoder.bench.browser import bench_browser
from encoder.bench.codecs import bench_codecs
from encoder.bench.collapse import bench_collapse
from encoder.bench.figure import Figure
from encoder.bench.history import append_history
from encoder.bench.machine import bench_machine
from encoder.bench.shells import bench_shells
from encoder.bench.shows import bench_show
from encoder.bench.solutions import bench_solutions
from encoder.bench.solvers import bench_descent, bench_sweep
from encoder.bench.stereo import bench_stereo
from encoder.bench.streaming.adaptation import bench_adaptation
from encoder.bench.streaming.clients import bench_clients
from encoder.bench.streaming.goodput import bench_goodput
from encoder.bench.streaming.ladder import bench_ladder
from encoder.bench.streaming.live import bench_live
from encoder.bench.streaming.startup import bench_startup
from protocol.errors import UsageError
from protocol.storage import write_file

HELP = (
    "Measures this version on this machine: the solvers' kernels against plain torch, streaming against raw sockets, "
    "both in the same run; playing over bad networks of our own; and, with a rig, encoding by stage, bits, decoding, "
    "drawing, rate against quality of every codec, and what few layers lose."
)
EXAMPLES = """\
  lfv bench --json out/bench.json               a list of {"name", "value", "unit"}
  lfv bench --rig rig/                          also encode a rig's footage and play it
  lfv bench --only shells --only machine        some of it
  lfv bench --only solutions --rig rig/         what sweep, short and long descent and the network make of it
  lfv bench --only stereo --rig rig/            what two of its cameras give, by the stereo network and by the sweep
  lfv bench --only clients_zeromq               500 viewers over ZeroMQ; clients_http: over HTTP
  lfv bench --history tests/benchmarks/history.jsonl   also add a line to what was measured before
  lfv bench --quick                             seconds; says that it works, not how fast it is
"""

Benchmark = Callable[[bool], list[Figure]]  # takes `quick`

_WITHOUT_RIG: dict[str, Benchmark] = {
    "machine": bench_machine,
    "shells": bench_shells,
    "sweep": bench_sweep,
    "descent": bench_descent,
    "goodput": bench_goodput,
    "clients": bench_clients,
    "startup": bench_startup,
    "adaptation": bench_adaptation,
    "live": bench_live,
    "browser": bench_browser,
}
_ONLY_NAMED: dict[str, Benchmark] = {
    "clients_zeromq": partial(bench_clients, scheme="tcp"),
    "clients_http": partial(bench_clients, scheme="http"),
}
_WITH_RIG: dict[str, Callable[[Path, bool], list[Figure]]] = {
    "show": bench_show,
    "ladder": bench_ladder,
    "codecs": bench_codecs,
    "collapse": bench_collapse,
}
# With a rig and perhaps weights, and only where named: a long descent takes minutes, and not every rig has a pair.
_LEARNED: dict[str, Callable[..., list[Figure]]] = {"solutions": bench_solutions, "stereo": bench_stereo}
NAMES = (*_WITHOUT_RIG, *_ONLY_NAMED, *_WITH_RIG, *_LEARNED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there; folders are made")
    parser.add_argument("--history", type=Path, metavar="FILE", help="also add them there as one more line")
    parser.add_argument("--rig", type=Path, metavar="FOLDER", help="footage for encoding and playing")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="of the network, for `--only solutions` or stereo (those shipped)"
    )
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}; again for more"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round")


def run(args: argparse.Namespace) -> int:
    """Prints the figures; returns the exit code."""
    benchmarks = _WITHOUT_RIG | ({} if args.rig is None else {n: partial(b, args.rig) for n, b in _WITH_RIG.items()})
    names = args.only or list(benchmarks)
    benchmarks |= _ONLY_NAMED
    if args.rig is not None:
        benchmarks |= {n: partial(b, args.rig, weights=args.weights) for n, b in _LEARNED.items()}
    missing = [name for name in names if name not in benchmarks]
    if missing:
        raise UsageError(
            f"--only {missing[0]} needs footage; give --rig FOLDER, such as one of `python -m samples.make_rig`"
        )
    if args.rig is None:
        print("encoding and playing are left out; give --rig FOLDER for them", file=sys.stderr)
    figures: list[Figure] = []
    for name in dict.fromkeys(names):
        found = benchmarks[name](args.quick)
        for figure in found:
            print(f"{figure.name:<44} {_number(figure.value):>12} {figure.unit}", flush=True)
        figures += found
    if args.json is not None:
        write_figures(args.json, figures)
    if args.history is not None:
        append_history(args.history, figures, quick=args.quick)
    return 0


def write_figures(path: Path, figures: Sequence[Figure]) -> None:
    """A JSON list of {name, value, unit}; the file is there whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_file(path, (json.dumps([asdict(figure) for figure in figures], indent=2) + "\n").encode())


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
