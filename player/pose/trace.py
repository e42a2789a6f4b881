"""Recorded head paths: CSV files of time, position and orientation, and poses between their rows."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.errors import StorageError, UsageError
from protocol.geometry import pose, rotation_from_quaternion

Array = NDArray[np.floating[Any]]

COLUMNS = ("t", "x", "y", "z", "qw", "qx", "qy", "qz")
_MOST_ROWS = 10_000_000


@dataclass(frozen=True, eq=False)
class Trace:
    """A head path. The head's frame: +x right, +y up, looks along -z; poses are T_world_head.

    Attributes:
        times: (N,) float64, seconds, increasing.
        positions: (N, 3) float64, metres, world.
        quaternions: (N, 4) float64, unit, (w, x, y, z).
    """

    times: Array
    positions: Array
    quaternions: Array


def read_trace(path: Path) -> Trace:
    """Read a CSV file with the header `t,x,y,z,qw,qx,qy,qz` (columns in any order, others ignored).

    Raises:
        StorageError: the file cannot be read.
        UsageError: it is no head path; names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [c for c in COLUMNS if c not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"{path} lacks the columns {', '.join(missing)}; its header must be {','.join(COLUMNS)}"
                )
            values = [_row(row, path, rows.line_num) for row, _ in zip(rows, range(_MOST_ROWS), strict=False)]
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}); check its name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no CSV file ({error}); its header must be {','.join(COLUMNS)}") from error
    if not values:
        raise UsageError(f"{path} has no poses; give at least one row below the header")
    table = np.array(values)
    late = np.flatnonzero(np.diff(table[:, 0]) <= 0)
    if len(late):
        raise UsageError(f"{path}: t must increase, but does not at t = {table[late[0] + 1, 0]:g}; sort its rows")
    norms = np.linalg.norm(table[:, 4:], axis=1, keepdims=True)
    return Trace(times=table[:, 0], positions=table[:, 1:4], quaternions=table[:, 4:] / norms)


def write_trace(path: Path, trace: Trace) -> None:
    """Write a CSV file that `read_trace` reads back exactly.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            for t, p, q in zip(trace.times, trace.positions, trace.quaternions, strict=True):
                out.writerow([repr(float(v)) for v in (t, *p, *q)])
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another place") from error


def pose_at(trace: Trace, time: float) -> Array:
    """(4, 4) T_world_head at a time: positions on a straight line, orientations on the shortest arc, ends held."""
    i = int(np.clip(np.searchsorted(trace.times, time, side="right") - 1, 0, max(len(trace.times) - 2, 0)))
    j = min(i + 1, len(trace.times) - 1)
    span = float(trace.times[j] - trace.times[i])
    f = min(max((time - float(trace.times[i])) / span, 0.0), 1.0) if span > 0 else 0.0
    position = (1 - f) * trace.positions[i] + f * trace.positions[j]
    return pose(rotation_from_quaternion(slerp(trace.quaternions[i], trace.quaternions[j], f)), position)


def slerp(a: Array, b: Array, f: float) -> Array:
    """The unit quaternion a share `f` of the way from a to b, on the shorter arc (Shoemake 1985)."""
    dot = float(a @ b)
    if dot < 0:
        b, dot = -b, -dot
    if dot > 1 - 1e-9:
        mixed = (1 - f) * a + f * b
        return np.asarray(mixed / np.linalg.norm(mixed))
    angle = math.acos(dot)
    return np.asarray((math.sin((1 - f) * angle) * a + math.sin(f * angle) * b) / math.sin(angle))


def circle(
    low: Array, high: Array, *, duration_s: float, rate: float = 30.0, share: float = 0.6, period_s: float = 4.0
) -> Trace:
    """A default path: the head circles in the comfort box, facing forward.

    Args:
        low, high: (3,) corners of the comfort box, metres, world.
        share: of the box's half width and height that the circle takes.
    """
    times = np.arange(max(2, math.ceil(duration_s * rate - 1e-6) + 1)) / rate
    phase = 2 * np.pi * times / period_s
    middle, half = 0.5 * (low + high), 0.5 * share * (high - low)
    offsets = np.stack([np.sin(phase), np.cos(phase), 0.25 * np.sin(2 * phase)], axis=-1)
    quaternions = np.zeros((len(times), 4))
    quaternions[:, 0] = 1.0
    return Trace(times=times, positions=middle + offsets * half, quaternions=quaternions)


def _row(row: dict[str, str], path: Path, line: int) -> list[float]:
    try:
        values = [float(row[c]) for c in COLUMNS]
    except (TypeError, ValueError):
        raise UsageError(f"{path}, line {line} is not eight numbers; mend or remove it") from None
    if not all(map(math.isfinite, values)) or math.hypot(*values[4:]) < 1e-6:
        raise UsageError(f"{path}, line {line} has no usable orientation or position; mend or remove it")
    return values
