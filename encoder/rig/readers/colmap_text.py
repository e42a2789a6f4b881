"""COLMAP's cameras.txt, images.txt, points3D.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from encoder.rig.calibration import read_text
from encoder.rig.models import CameraModel
from encoder.rig.readers.colmap_tables import ColmapImage, ColmapModel, camera_model, camera_pose
from protocol.errors import RigError
from protocol.geometry import Array


def read_text_model(folder: Path) -> ColmapModel:
    """The sparse model of a folder.

    Raises:
        RigError: a line is not as COLMAP writes it; names file and line.
    """
    points = folder / "points3D.txt"
    return ColmapModel(
        _cameras(folder / "cameras.txt"), _images(folder / "images.txt"), _points(points) if points.is_file() else None
    )


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """(where, line) without comments; empty lines are kept, they mean something in images.txt."""
    for count, line in enumerate(read_text(path).splitlines(), 1):
        if not line.startswith("#"):
            yield f"{path} line {count}", line.strip()


def _cameras(path: Path) -> dict[int, CameraModel]:
    cameras = {}
    for where, line in _lines(path):
        if not line:
            continue
        words = line.split()
        try:
            key, width, height = int(words[0]), int(words[2]), int(words[3])
            params = [float(word) for word in words[4:]]
        except (ValueError, IndexError):
            raise RigError(f"{where}: not 'CAMERA_ID MODEL WIDTH HEIGHT PARAMS'; export the model again") from None
        cameras[key] = camera_model(words[1], width, height, params, where=where)
    return cameras


def _images(path: Path) -> list[ColmapImage]:
    # Two lines an image: its pose, then its observations, a line that may be empty.
    images = []
    observations = False
    for where, line in _lines(path):
        if observations:
            observations = False
            continue
        if not line:
            continue
        words = line.split(maxsplit=9)
        try:
            values = [float(word) for word in words[1:8]]
            camera_id, name = int(words[8]), words[9]
        except (ValueError, IndexError):
            raise RigError(
                f"{where}: not 'IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME'; export the model again"
            ) from None
        images.append(ColmapImage(name, camera_id, camera_pose(values[:4], values[4:], where=f"{where}, {name}")))
        observations = True
    return images


def _points(path: Path) -> Array | None:
    rows = []
    for where, line in _lines(path):
        if not line:
            continue
        try:
            rows.append([float(word) for word in line.split(maxsplit=7)[1:7]])
            if len(rows[-1]) != 6:
                raise ValueError
        except ValueError:
            raise RigError(f"{where}: not 'POINT3D_ID X Y Z R G B ...'; export the model again") from None
    points = np.array(rows, np.float64).reshape(-1, 6)
    points = points[np.isfinite(points).all(axis=1)]
    return points if len(points) else None
