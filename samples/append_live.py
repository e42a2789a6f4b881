"""Makes a live show of a finished one, without encoding: its chunks go into a journal as if they were filmed now.

python -m samples.append_live SHOW.lfv OUT.lfv --speed 1
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from protocol.container import Show, open_show
from protocol.errors import LfvError, UsageError
from protocol.header import settled
from protocol.index import Index
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow


def append_live(
    show: Show, out: Path, *, speed: float = 1.0, on_chunk: Callable[[int], None] = lambda number: None
) -> None:
    """Appends each chunk to the journal of `out` when its last frame would have been filmed; finishes at the end.

    Args:
        show: its segments are taken as they are.
        speed: of the show's clock.
        on_chunk: hears the number of each chunk that is on the disk.

    Raises:
        FormatError: the show is damaged. StorageError: `out` cannot be written.
    """
    chunks = show.index.chunks
    first = settled(show.manifest, Index(chunks[:1]))
    with PartialShow.open_or_create(out, fingerprint=show.header.digest, restart=True) as journal:
        started = time.monotonic()
        for number, chunk in enumerate(chunks):
            segments = [show.read_segment(number, rung) for rung in range(show.index.rung_count)]
            time.sleep(max(0.0, started + float(chunk.end) / speed - time.monotonic()))
            journal.append(segments, notes=b"" if number else encode_manifest(first))
            on_chunk(number)
        journal.finalise(show.manifest)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m samples.append_live", description=__doc__.splitlines()[0])
    parser.add_argument("show", type=Path, metavar="SHOW.lfv")
    parser.add_argument("out", type=Path, metavar="OUT.lfv", help="its journal is OUT.lfv.partial")
    parser.add_argument("--speed", type=float, default=1.0, help="of the show's clock (%(default)g)")
    args = parser.parse_args(argv)
    try:
        if not args.speed > 0:
            raise UsageError(f"--speed {args.speed:g} is no speed; give a number above 0")
        with open_show(args.show) as show:
            append_live(show, args.out, speed=args.speed, on_chunk=lambda number: print(f"chunk {number}", flush=True))
    except LfvError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
