"""`transforms.json` of nerfstudio and instant-ngp: one frame per image, OpenGL camera axes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration, number, numbers, read_text, rigid, whole
from encoder.rig.footage import find_footage
from encoder.rig.join import image_size
from encoder.rig.models import CameraModel, KannalaBrandt, Pinhole, Radtan
from protocol.errors import RigError

FORMAT = "transforms.json"
LOOKED_FOR = "transforms.json (nerfstudio, instant-ngp)"
_DISTORTION = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None."""
    path = folder / "transforms.json"
    return path if path.is_file() else None


def read(path: Path) -> Calibration:
    """Cameras of a transforms.json; the scale is the file's own; pixel centres lie at +0.5 as COLMAP leaves them.

    Raises:
        RigError: the file is not such a calibration; names file, frame and field.
    """
    try:
        tree = json.loads(read_text(path))
    except ValueError as error:
        raise RigError(f"{path}: not JSON ({error}); export the calibration again") from None
    frames = tree.get("frames") if isinstance(tree, dict) else None
    if not isinstance(frames, list) or not frames:
        raise RigError(f"{path}: field 'frames' is missing or empty; export the calibration again")
    cameras = tuple(_camera(frame, tree, path, f"{path}, frame {index}") for index, frame in enumerate(frames))
    return Calibration(FORMAT, cameras, "rig units")


def _camera(frame: Any, tree: Mapping[str, Any], path: Path, where: str) -> CalibratedCamera:
    if not isinstance(frame, dict):
        raise RigError(f"{where}: not a table; export the calibration again")
    name = frame.get("file_path")
    if not isinstance(name, str) or not name:
        raise RigError(f"{where}: field 'file_path' is missing; every frame needs its image")
    name = name.removeprefix("./")
    T = numbers(frame.get("transform_matrix"), shape=(-1, 4), where=f"{where}, transform_matrix")
    if len(T) not in (3, 4):
        raise RigError(f"{where}, transform_matrix: 4 x 4 numbers are needed; export the calibration again")
    # OpenGL's cameras have y up and look along -z.
    T_rig_camera = rigid(T[:3, :3] @ np.diag([1.0, -1.0, -1.0]), T[:3, 3], where=where)
    mask = frame.get("mask_path")
    model = _model({**tree, **frame}, path.parent, name, where)
    return CalibratedCamera(name, model, T_rig_camera, (name,), mask if isinstance(mask, str) else None)


def _model(values: Mapping[str, Any], folder: Path, name: str, where: str) -> CameraModel:
    def given(key: str) -> float | None:
        return number(values[key], where=f"{where}, {key}") if key in values else None

    if "w" in values and "h" in values:
        width, height = (whole(values[side], where=f"{where}, {side}") for side in ("w", "h"))
    else:
        # Files of rendered scenes state only the angle; the image has the size.
        footage = find_footage(folder, name)
        width, height = image_size(footage.first) if footage else (1, 1)
    fx = given("fl_x") or _from_angle(given("camera_angle_x"), width)
    fy = given("fl_y") or _from_angle(given("camera_angle_y"), height) or fx
    fx = fx or fy
    if fx is None or fy is None:
        raise RigError(f"{where}: neither fl_x nor camera_angle_x is given; add the focal length in pixels")
    cx, cy = given("cx"), given("cy")
    lens = (fx, fy, 0.5 * width if cx is None else cx, 0.5 * height if cy is None else cy)
    k = {key: given(key) or 0.0 for key in _DISTORTION}
    kind = values.get("camera_model", "OPENCV_FISHEYE" if values.get("is_fisheye") else "OPENCV")
    if kind == "OPENCV_FISHEYE":
        return KannalaBrandt(width, height, (*lens, k["k1"], k["k2"], k["k3"], k["k4"]))
    if kind not in ("OPENCV", "FULL_OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "perspective"):
        raise RigError(f"{where}: camera_model '{kind}' is not supported; use OPENCV, OPENCV_FISHEYE or PINHOLE")
    if kind != "FULL_OPENCV":
        k["k4"] = k["k5"] = k["k6"] = 0.0
    if not any(k.values()):
        return Pinhole(width, height, lens)
    return Radtan(width, height, (*lens, *k.values()))


def _from_angle(angle: float | None, side: int) -> float | None:
    return None if angle is None else 0.5 * side / math.tan(0.5 * angle)
