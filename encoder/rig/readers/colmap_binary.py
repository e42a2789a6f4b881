"""COLMAP's cameras.bin, images.bin, points3D.bin (little-endian; src/colmap/scene/reconstruction_io.cc)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from encoder.rig.models import CameraModel
from encoder.rig.readers.colmap_tables import MODELS, ColmapImage, ColmapModel, camera_model, camera_pose
from protocol.errors import RigError
from protocol.geometry import Array


class _Bytes:
    """A file read from front to back; running past its end is an error that names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._data = path.read_bytes()
        except OSError as error:
            raise RigError(f"{path}: {(error.strerror or 'unreadable').lower()}; make it readable") from error
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """The next values of a struct layout (little-endian, packed)."""
        packed = struct.Struct("<" + layout)
        self.skip(packed.size)
        return packed.unpack_from(self._data, self._at - packed.size)

    def skip(self, count: int) -> None:
        if count < 0 or self._at + count > len(self._data):
            raise RigError(f"{self.path}: ends at byte {len(self._data)}, in the middle of a record; export it again")
        self._at += count

    def text(self) -> str:
        """Bytes up to the next zero."""
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise RigError(f"{self.path}: ends at byte {len(self._data)}, in the middle of a name; export it again")
        found = self._data[self._at : end]
        self._at = end + 1
        return found.decode("utf-8", "replace")


def read_binary(folder: Path) -> ColmapModel:
    """The sparse model of a folder.

    Raises:
        RigError: a file is cut short or holds what COLMAP does not write.
    """
    points = folder / "points3D.bin"
    return ColmapModel(
        _cameras(_Bytes(folder / "cameras.bin")),
        _images(_Bytes(folder / "images.bin")),
        _points(_Bytes(points)) if points.is_file() else None,
    )


def _cameras(data: _Bytes) -> dict[int, CameraModel]:
    cameras = {}
    (count,) = data.take("Q")
    for _ in range(count):
        key, model_id, width, height = data.take("iiQQ")
        if model_id not in MODELS:
            raise RigError(f"{data.path}: camera {key} has the unknown model {model_id}; export it as text")
        name, length = MODELS[model_id]
        cameras[key] = camera_model(name, width, height, data.take(f"{length}d"), where=f"{data.path}, camera {key}")
    return cameras


def _images(data: _Bytes) -> list[ColmapImage]:
    images = []
    (count,) = data.take("Q")
    for _ in range(count):
        values = data.take("i7di")
        name = data.text()
        (observations,) = data.take("Q")
        data.skip(24 * observations)  # x, y, point: two doubles and an identifier.
        where = f"{data.path}, {name}"
        images.append(ColmapImage(name, values[8], camera_pose(values[1:5], values[5:8], where=where)))
    return images


def _points(data: _Bytes) -> Array | None:
    rows = []
    (count,) = data.take("Q")
    for _ in range(count):
        _, *point, _, track = data.take("QdddBBBdQ")
        data.skip(8 * track)
        rows.append(point)
    points = np.array(rows, np.float64).reshape(-1, 6)
    points = points[np.isfinite(points).all(axis=1)]
    return points if len(points) else None
