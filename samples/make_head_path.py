"""Writes a head path: a head that circles around the rig's centre and looks about, for `lfv play --headless --path`.

python -m samples.make_head_path OUT.csv --reach 0.08 --seconds 2
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from player.pose.trace import Trace, write_trace
from protocol.geometry import quaternion_from_rotation, rotation_from_angle_axis


def looking_about(*, reach: float, seconds: float, rate: float = 30.0) -> Trace:
    """A circle of `reach` metres around the origin, one turn in `seconds`, that ends where it began.

    The eyes stay near a point 2 m ahead, so that near things move against far ones.
    """
    times = np.arange(max(2, round(seconds * rate))) / rate
    phase = 2 * math.pi * times / seconds
    positions = reach * np.stack([np.sin(phase), 0.6 * np.cos(phase), 0.3 * np.sin(2 * phase)], axis=1)
    yaws = np.arctan2(positions[:, 0], 2.0) + 0.15 * np.sin(phase)
    pitches = -np.arctan2(positions[:, 1], 2.0)
    quaternions = [
        quaternion_from_rotation(
            rotation_from_angle_axis(np.array([0.0, yaw, 0.0])) @ rotation_from_angle_axis(np.array([pitch, 0.0, 0.0]))
        )
        for yaw, pitch in zip(yaws, pitches, strict=True)
    ]
    return Trace(times=times, positions=positions, quaternions=np.array(quaternions))


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m samples.make_head_path", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT.csv")
    parser.add_argument("--reach", type=float, default=0.08, metavar="METRES", help="how far the head moves")
    parser.add_argument("--seconds", type=float, default=2.0, help="of the path")
    args = parser.parse_args(argv)
    write_trace(args.out, looking_about(reach=args.reach, seconds=args.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
