"""Encodes as `lfv encode` does, and says on stdout where it is, so that a test can kill it there.

python -m tests.end_to_end.encoding_process RIG OUT [OPTIONS of lfv encode]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from encoder.commands.encode import add_arguments, config_of
from encoder.pipeline import Progress, encode_rig


def main(arguments: list[str]) -> None:
    """One line `CHUNK STAGE` at each step of a stage; the program waits until it has been read."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(arguments)

    def say(chunk: int, chunks: int, stage: str, share: float) -> None:
        sys.stdout.write(f"{chunk} {stage}\n")
        sys.stdout.flush()
        # The reader answers, or kills.
        sys.stdin.readline()

    encode_rig(Path(args.rig), Path(args.out), config_of(args), restart=args.restart, progress=Progress(on_stage=say))


if __name__ == "__main__":
    main(sys.argv[1:])
