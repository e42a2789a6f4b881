"""`config.yaml` of OmniMVS and its data sets: OCamCalib fisheyes around a rig."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from encoder.rig.calibration import CalibratedCamera, Calibration, number, numbers, read_text, rigid, whole
from encoder.rig.models import Ocam
from protocol.errors import RigError
from protocol.geometry import rotation_from_angle_axis

FORMAT = "OmniMVS config.yaml"
LOOKED_FOR = "config.yaml (OmniMVS)"


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None; config.yaml is a common name, so its content decides."""
    path = folder / "config.yaml"
    return path if path.is_file() and "poly" in read_text(path) else None


def read(path: Path) -> Calibration:
    """Cameras of a config.yaml: metres; OCamCalib counts rows first and puts pixel centres at integers.

    Raises:
        RigError: the file is not such a configuration; names file and field.
    """
    try:
        config = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise RigError(f"{path}: not YAML{line}; export the calibration again") from None
    cameras = config.get("cameras") if isinstance(config, dict) else None
    if not isinstance(cameras, list) or not cameras:
        raise RigError(f"{path}: field 'cameras' is missing or empty; export the calibration again")
    return Calibration(FORMAT, tuple(_camera(entry, path=path, index=i) for i, entry in enumerate(cameras)), "metres")


def _camera(entry: Any, *, path: Path, index: int) -> CalibratedCamera:
    where = f"{path}, camera {index}"
    if not isinstance(entry, dict):
        raise RigError(f"{where}: not a table; export the calibration again")

    def field(key: str) -> Any:
        if key not in entry:
            raise RigError(f"{where}: field '{key}' is missing; export the calibration again")
        return entry[key]

    if entry.get("model", "ocam") != "ocam":
        raise RigError(f"{where}: model '{entry['model']}' is not known; it must be 'ocam'")
    # The first number of a polynomial counts its coefficients.
    polynomial = numbers(field("inv_poly"), shape=(-1,), where=f"{where}, inv_poly")
    if len(polynomial) < 3 or polynomial[0] != len(polynomial) - 1:
        raise RigError(f"{where}, inv_poly: must be its length followed by 2 or more coefficients")
    row, column = numbers(field("center"), shape=(2,), where=f"{where}, center")
    c, d, e = numbers(field("affine"), shape=(3,), where=f"{where}, affine")
    size = numbers(field("image_size"), shape=(2,), where=f"{where}, image_size")
    height, width = (whole(side, where=f"{where}, image_size") for side in size)
    max_angle = math.radians(0.5 * number(entry.get("max_fov", 360.0), where=f"{where}, max_fov"))
    lens = (column + 0.5, row + 0.5, c, d, e, 1.0, max_angle)
    model = Ocam(width, height, tuple(float(value) for value in (*lens, *polynomial[1:])))
    pose = numbers(field("pose"), shape=(6,), where=f"{where}, pose")
    T_rig_camera = rigid(rotation_from_angle_axis(pose[:3]), pose[3:], where=f"{where}, pose")
    name = str(entry.get("img_dir") or f"cam{field('cam_id')}")
    return CalibratedCamera(name, model, T_rig_camera, (name,))
