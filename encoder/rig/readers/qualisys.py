"""Qualisys calibrations (`*.qca.txt`, XML), read as Pose2Sim does."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration, number, numbers, read_text, rigid, whole
from encoder.rig.models import Radtan
from protocol.errors import RigError
from protocol.geometry import inverse, pose

FORMAT = "Qualisys calibration"
LOOKED_FOR = "*.qca.txt (Qualisys)"

# Lengths on the sensor come in 1/64 pixel; Pose2Sim's files hold distortion in the same unit.
_SUBPIXELS = 64.0
_MILLIMETRES = 1000.0


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None."""
    return next(iter(sorted(folder.glob("*.qca.txt"))), None)


def read(path: Path) -> Calibration:
    """Cameras named by their serial numbers, metres, world z up as in Qualisys' laboratory frame.

    Raises:
        RigError: the file is not such a calibration; names file and field.
    """
    try:
        root = ElementTree.fromstring(read_text(path))
    except (ElementTree.ParseError, ValueError) as error:
        raise RigError(f"{path}: not XML ({error}); export the calibration again") from None
    entries = root.findall("cameras/camera")
    if not entries:
        raise RigError(f"{path}: no cameras/camera in it; export the calibration again")
    cameras, notes = [], []
    for index, entry in enumerate(entries):
        name = entry.get("serial") or f"camera {index}"
        if entry.get("active") == "0":
            notes.append(f"{name} is not active in its calibration and is left out")
            continue
        cameras.append(_camera(entry, name, f"{path}, {name}"))
    return Calibration(FORMAT, tuple(cameras), "metres", notes=tuple(notes))


def _camera(entry: ElementTree.Element, name: str, where: str) -> CalibratedCamera:
    def fields(tag: str, *keys: str) -> list[float]:
        found = entry.find(tag)
        if found is None or any(found.get(key) is None for key in keys):
            raise RigError(f"{where}: {tag} lacks one of {', '.join(keys)}; export the calibration again")
        return [number(found.get(key), where=f"{where}, {tag} {key}") for key in keys]

    left, top, right, bottom = fields("fov_video", "left", "top", "right", "bottom")
    width, height = whole(right - left + 1, where=where), whole(bottom - top + 1, where=where)
    fx, fy, cx, cy, k1, k2, p1, p2 = (
        value / _SUBPIXELS
        for value in fields(
            "intrinsic",
            *("focalLengthU", "focalLengthV", "centerPointU", "centerPointV"),
            *("radialDistortion1", "radialDistortion2", "tangentalDistortion1", "tangentalDistortion2"),
        )
    )
    lens = (fx, fy, cx - left + 0.5, cy - top + 0.5, k1, k2, p1, p2, 0.0, 0.0, 0.0, 0.0)
    x, y, z, *r = fields("transform", "x", "y", "z", *(f"r{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3)))
    # Qualisys' cameras look along -z with y up; half a turn about x makes them OpenCV's.
    R_camera_rig = np.diag([1.0, -1.0, -1.0]) @ numbers(r, shape=(9,), where=where).reshape(3, 3)
    T_rig_camera = inverse(rigid(R_camera_rig, [0.0, 0.0, 0.0], where=where)) @ np.eye(4)
    centre = np.array([x, y, z]) / _MILLIMETRES
    return CalibratedCamera(name, Radtan(width, height, lens), pose(T_rig_camera[:3, :3], centre), (name,))
