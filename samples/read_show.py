"""Opens a show with `protocol` alone, no torch and no OpenGL, and prints what is in it.

python -m samples.read_show SHOW.lfv
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from protocol.container import Show, open_show
from protocol.errors import LfvError


def describe(show: Show) -> list[str]:
    """Lines about the show, and about the first chunk of every rung."""
    manifest = show.manifest
    rate = "a still" if manifest.frame_rate is None else f"{float(manifest.frame_rate):g} frames per second"
    lines = [
        f"{manifest.title}: {manifest.frame_count} frames, {rate}, {float(manifest.duration):.3f} s",
        f"{len(manifest.cameras)} cameras; {manifest.layer_count} layers from {manifest.far:g} to {manifest.near:g} "
        f"{manifest.units}",
        f"heads may be from {manifest.comfort_min} to {manifest.comfort_max}",
    ]
    for number, rung in enumerate(manifest.rungs):
        chunk = show.read_chunk(0, number)
        geometry = show.read_geometry(chunk)
        triangles = sum(len(layer.triangles) for layer in geometry.layers)
        video = sum(len(unit.data) for unit in chunk.video)
        lines.append(
            f"rung {rung.name}: {rung.codec} {rung.width}x{rung.height}; its first chunk has {len(chunk.frame_times)} "
            f"frames, {triangles} triangles, {len(chunk.geometry)} bytes of geometry, {video} bytes of video"
        )
    return lines


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m samples.read_show", description=__doc__.splitlines()[0])
    parser.add_argument("show", type=Path, metavar="SHOW.lfv")
    args = parser.parse_args(argv)
    try:
        with open_show(args.show) as show:
            print("\n".join(describe(show)))
    except LfvError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
