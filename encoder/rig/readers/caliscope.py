"""`camera_array.toml` of caliscope (and its forerunner pyxy3d)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration, numbers, read_text, rigid, whole
from encoder.rig.models import CameraModel, KannalaBrandt, Radtan
from protocol.errors import RigError
from protocol.geometry import inverse, rotation_from_angle_axis

FORMAT = "caliscope camera_array.toml"
LOOKED_FOR = "camera_array.toml (caliscope)"


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None."""
    path = folder / "camera_array.toml"
    return path if path.is_file() else None


def read(path: Path) -> Calibration:
    """Cameras cam_0, cam_1, ...: metres; rotation and translation map the world to the camera; OpenCV's pixel centres.

    Raises:
        RigError: the file is not such a calibration; names file and field.
    """
    try:
        tree = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise RigError(f"{path}: not TOML ({error}); export the calibration again") from None
    entries = tree.get("cameras")
    if not isinstance(entries, dict) or not entries:
        raise RigError(f"{path}: table 'cameras' is missing or empty; export the calibration again")
    cameras, notes = [], []
    for key, entry in entries.items():
        where = f"{path}, cameras.{key}"
        if not isinstance(entry, dict):
            raise RigError(f"{where}: not a table; export the calibration again")
        if entry.get("ignore"):
            notes.append(f"cam_{key} is marked 'ignore' in its calibration and is left out")
            continue
        cameras.append(_camera(key, entry, where))
    return Calibration(FORMAT, tuple(cameras), "metres", notes=tuple(notes))


def _camera(key: str, entry: dict[str, Any], where: str) -> CalibratedCamera:
    def field(name: str) -> Any:
        if name not in entry:
            raise RigError(f"{where}: field '{name}' is missing; calibrate this camera")
        return entry[name]

    rotation = np.asarray(field("rotation"), dtype=object)
    # Newer versions write the angle-axis vector.
    if rotation.shape == (3,):
        rotation = rotation_from_angle_axis(numbers(entry["rotation"], shape=(3,), where=f"{where}, rotation"))
    T_rig_camera = inverse(rigid(rotation, field("translation"), where=where))
    names = (f"cam_{key}", f"cam{key}", f"port_{key}", key)
    return CalibratedCamera(f"cam_{key}", _model(entry, field, where), T_rig_camera, names)


def _model(entry: dict[str, Any], field: Any, where: str) -> CameraModel:
    size = numbers(field("size"), shape=(2,), where=f"{where}, size")
    width, height = (whole(side, where=f"{where}, size") for side in size)
    K = numbers(field("matrix"), shape=(3, 3), where=f"{where}, matrix")
    distortion = [float(k) for k in numbers(field("distortions"), shape=(-1,), where=f"{where}, distortions")]
    lens = tuple(float(value) for value in (K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5))
    if entry.get("fisheye"):
        if len(distortion) != 4:
            raise RigError(f"{where}, distortions: a fisheye has 4, here are {len(distortion)}")
        return KannalaBrandt(width, height, (*lens, *distortion))
    if len(distortion) not in (4, 5, 8):
        raise RigError(f"{where}, distortions: {len(distortion)} numbers; OpenCV's models have 4, 5 or 8")
    return Radtan(width, height, (*lens, *distortion, *[0.0] * (8 - len(distortion))))
