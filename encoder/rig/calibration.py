"""What a calibration file says, before it is joined with the footage; and the checks that every reader needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoder.rig.camera import Units
from encoder.rig.camera_model import CameraModel
from protocol.errors import RigError
from protocol.geometry import Array, pose

# Files from other tools carry rotations with few digits; what is farther off is not a rotation.
_ROTATION_TOLERANCE = 1e-2

_MOST = 1e12  # no length, angle or focal length is greater


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """One camera of a calibration.

    Attributes:
        name: how the camera is called from here on.
        model, T_rig_camera: as in `Camera`.
        footage: names that its footage may have, best first: paths from the rig's folder, or bare names.
        mask: a mask that the calibration itself names, path from the rig's folder.
    """

    name: str
    model: CameraModel
    T_rig_camera: Array
    footage: tuple[str, ...]
    mask: str | None = None


@dataclass(frozen=True, eq=False)
class Calibration:
    """One calibration file. Fields as in `Rig`."""

    source_format: str
    cameras: tuple[CalibratedCamera, ...]
    units: Units
    points: Array | None = None
    notes: tuple[str, ...] = ()
    depth_bounds: tuple[float, float] | None = None


def read_text(path: Path) -> str:
    """The file's text.

    Raises:
        RigError: it cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RigError(f"{path}: {(error.strerror or 'unreadable').lower()}; make it readable") from error
    except UnicodeDecodeError as error:
        raise RigError(f"{path}: not text; export the calibration again") from error


def numbers(value: Any, *, shape: tuple[int, ...], where: str) -> Array:
    """A (nested) list of numbers -> float64 array of `shape` (-1: any length).

    Raises:
        RigError: it is not that; `where` names file and field.
    """
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise RigError(f"{where}: numbers are needed; export the calibration again") from None
    if array.ndim != len(shape) or any(want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = " x ".join("any" if side < 0 else str(side) for side in shape)
        raise RigError(f"{where}: {wanted or 'one'} numbers are needed; export the calibration again")
    if not (np.abs(array) < _MOST).all():
        raise RigError(f"{where}: holds a number that is not finite, or beyond all use; calibrate this camera again")
    return array


def number(value: Any, *, where: str) -> float:
    """One finite number, or RigError."""
    return float(numbers(value, shape=(), where=where))


def whole(value: Any, *, where: str) -> int:
    """One whole number, or RigError."""
    found = number(value, where=where)
    if found != int(found):
        raise RigError(f"{where}: {found} is not a whole number; export the calibration again")
    return int(found)


def rigid(rotation: Any, translation: Any, *, where: str) -> Array:
    """(3, 3) and (3,) -> (4, 4) pose whose rotation is exactly orthonormal.

    Raises:
        RigError: the matrix is no rotation (it scales, shears or mirrors).
    """
    R = numbers(rotation, shape=(3, 3), where=f"{where}, rotation")
    t = numbers(translation, shape=(3,), where=f"{where}, translation")
    if np.abs(R @ R.T - np.eye(3)).max() > _ROTATION_TOLERANCE:
        raise RigError(f"{where}: the rotation is not orthonormal; calibrate this camera again")
    if np.linalg.det(R) < 0:
        raise RigError(f"{where}: the rotation mirrors; check the axes of the exporting tool")
    U, _, Vt = np.linalg.svd(R)
    return pose(U @ Vt, t)


def centred(focal: float, width: int, height: int) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy of a camera with square pixels and the axis through the image's middle."""
    return focal, focal, 0.5 * width, 0.5 * height
