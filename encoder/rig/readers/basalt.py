"""`calibration.json` of basalt (Usenko et al.): double sphere, Kannala-Brandt and pinhole cameras around an IMU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from encoder.rig.calibration import CalibratedCamera, Calibration, number, numbers, read_text, rigid, whole
from encoder.rig.models import CameraModel, DoubleSphere, KannalaBrandt, Pinhole, Radtan
from protocol.errors import RigError
from protocol.geometry import rotation_from_quaternion

FORMAT = "basalt calibration.json"
LOOKED_FOR = "calibration.json (basalt, Kalibr)"

# Basalt's names of its models, and the parameters that follow fx, fy, cx, cy.
_MODELS: dict[str, tuple[type[CameraModel], tuple[str, ...]]] = {
    "ds": (DoubleSphere, ("xi", "alpha")),
    "kb4": (KannalaBrandt, ("k1", "k2", "k3", "k4")),
    "pinhole": (Pinhole, ()),
    "pinhole-radtan4": (Radtan, ("k1", "k2", "p1", "p2")),
    "pinhole-radtan5": (Radtan, ("k1", "k2", "p1", "p2", "k3")),
    "pinhole-radtan8": (Radtan, ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
}


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None; the name is a common one, so its content decides."""
    path = folder / "calibration.json"
    return path if path.is_file() and "T_imu_cam" in read_text(path) else None


def read(path: Path) -> Calibration:
    """Cameras cam0, cam1, ... in the frame of the IMU, metres; basalt puts pixel centres at integers.

    Raises:
        RigError: the file is not such a calibration; names file and field.
    """
    try:
        tree = json.loads(read_text(path))
    except ValueError as error:
        raise RigError(f"{path}: not JSON ({error}); export the calibration again") from None
    if isinstance(tree, dict):
        tree = tree.get("value0", tree)
    lists: dict[str, list[Any]] = {}
    for key in ("T_imu_cam", "intrinsics", "resolution"):
        entries = tree.get(key) if isinstance(tree, dict) else None
        if not isinstance(entries, list) or not entries:
            raise RigError(f"{path}: field '{key}' is missing or empty; export the calibration again")
        lists[key] = entries
    if len({len(entries) for entries in lists.values()}) > 1:
        counts = ", ".join(f"{len(entries)} {key}" for key, entries in lists.items())
        raise RigError(f"{path}: {counts} do not go together; export the calibration again")
    cameras = []
    for index, (T, lens, size) in enumerate(zip(*lists.values(), strict=True)):
        where = f"{path}, camera {index}"
        q = [_field(T, key, f"{where}, T_imu_cam") for key in ("qw", "qx", "qy", "qz")]
        if sum(value * value for value in q) < 1e-12:
            raise RigError(f"{where}, T_imu_cam: the quaternion is zero; calibrate this camera again")
        t = [_field(T, key, f"{where}, T_imu_cam") for key in ("px", "py", "pz")]
        T_rig_camera = rigid(rotation_from_quaternion(numbers(q, shape=(4,), where=where)), t, where=where)
        name = f"cam{index}"
        cameras.append(CalibratedCamera(name, _model(lens, size, where), T_rig_camera, (name,)))
    return Calibration(FORMAT, tuple(cameras), "metres")


def _field(table: Any, key: str, where: str) -> float:
    if not isinstance(table, dict) or key not in table:
        raise RigError(f"{where}: field '{key}' is missing; export the calibration again")
    return number(table[key], where=f"{where}, {key}")


def _model(lens: Any, size: Any, where: str) -> CameraModel:
    kind = lens.get("camera_type") if isinstance(lens, dict) else None
    if kind not in _MODELS:
        raise RigError(f"{where}: camera_type '{kind}' is not known; calibrate with one of {', '.join(_MODELS)}")
    model, extra = _MODELS[kind]
    values = lens.get("intrinsics")
    fx, fy, cx, cy, *rest = (_field(values, key, f"{where}, intrinsics") for key in ("fx", "fy", "cx", "cy", *extra))
    if model is Radtan:
        rest += [0.0] * (8 - len(rest))
    width, height = (
        whole(side, where=f"{where}, resolution") for side in numbers(size, shape=(2,), where=f"{where}, resolution")
    )
    return model(width, height, (fx, fy, cx + 0.5, cy + 0.5, *rest))
