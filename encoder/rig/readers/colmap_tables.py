"""What COLMAP's text and binary files hold alike, and COLMAP's camera models in ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.rig.calibration import numbers, rigid
from encoder.rig.models import CameraModel, KannalaBrandt, Pinhole, Radtan
from protocol.errors import RigError
from protocol.geometry import Array, rotation_from_quaternion

# src/colmap/sensor/models.h: identifier, name, number of parameters.
MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
}
_UNKNOWN = ("FOV", "THIN_PRISM_FISHEYE")


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """One registered image. COLMAP stores poses from world to camera."""

    name: str
    camera_id: int
    T_camera_rig: Array


@dataclass(frozen=True, eq=False)
class ColmapModel:
    """A sparse model.

    Attributes:
        cameras: by COLMAP's identifier.
        images: in the file's order.
        points: (P, 6) float64, position and 8-bit colour, or None.
    """

    cameras: dict[int, CameraModel]
    images: list[ColmapImage]
    points: Array | None


def camera_model(name: str, width: int, height: int, params: Sequence[float], *, where: str) -> CameraModel:
    """COLMAP's model by name -> ours.

    Raises:
        RigError: the model is not known, or its parameters are not as many as it has.
    """
    counts = dict(MODELS.values())
    if name not in counts or name in _UNKNOWN:
        known = ", ".join(known for known in counts if known not in _UNKNOWN)
        raise RigError(f"{where}: camera model '{name}' is not supported; calibrate with one of {known}")
    p = [float(value) for value in numbers(list(params), shape=(counts[name],), where=f"{where}, {name} parameters")]
    if name.startswith(("SIMPLE", "RADIAL")):  # One focal length.
        p.insert(1, p[0])
    lens, k = tuple(p[:4]), p[4:]
    if name.endswith("PINHOLE"):
        return Pinhole(width, height, lens)
    if name.endswith("FISHEYE"):
        return KannalaBrandt(width, height, (*lens, *k, *[0.0] * (4 - len(k))))
    # OpenCV's order begins k1, k2, p1, p2; SIMPLE_RADIAL and RADIAL stop before the tangential part.
    return Radtan(width, height, (*lens, *k, *[0.0] * (8 - len(k))))


def camera_pose(wxyz: Sequence[float], translation: Sequence[float], *, where: str) -> Array:
    """COLMAP's world-to-camera quaternion and translation -> T_camera_rig."""
    q = numbers(list(wxyz), shape=(4,), where=f"{where}, quaternion")
    if np.linalg.norm(q) < 1e-6:
        raise RigError(f"{where}: the quaternion is zero; run COLMAP's mapper again")
    return rigid(rotation_from_quaternion(q), list(translation), where=where)
