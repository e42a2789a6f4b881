"""`models.json` of Google's deepview_video_dataset (Broxton et al. 2020)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration, number, numbers, read_text, whole
from encoder.rig.models import CameraModel, KannalaBrandt, Pinhole
from protocol.errors import RigError
from protocol.geometry import inverse, pose, rotation_from_angle_axis

FORMAT = "Broxton models.json"
LOOKED_FOR = "models.json (Broxton)"


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None."""
    path = folder / "models.json"
    return path if path.is_file() else None


def read(path: Path) -> Calibration:
    """Cameras of a `models.json`: metres, pixel centres at +0.5, world axes as they are.

    Raises:
        RigError: the file is not such a list; names file and field.
    """
    try:
        views = json.loads(read_text(path))
    except ValueError as error:
        raise RigError(f"{path}: not JSON ({error}); export the calibration again") from None
    if not isinstance(views, list) or not views or not all(isinstance(view, dict) for view in views):
        raise RigError(f"{path}: a list of cameras is needed; export the calibration again")
    return Calibration(FORMAT, tuple(_camera(view, path=path, index=i) for i, view in enumerate(views)), "metres")


def _camera(view: dict[str, Any], *, path: Path, index: int) -> CalibratedCamera:
    name = view.get("name")
    if not isinstance(name, str) or not name:
        raise RigError(f"{path}, camera {index}: field 'name' is missing; give every camera one")
    where = f"{path}, {name}"

    def field(key: str) -> Any:
        if key not in view:
            raise RigError(f"{where}: field '{key}' is missing; export the calibration again")
        return view[key]

    rotation = rotation_from_angle_axis(numbers(field("orientation"), shape=(3,), where=f"{where}, orientation"))
    T_camera_rig = pose(rotation, np.zeros(3))
    T_rig_camera = inverse(T_camera_rig)
    T_rig_camera[:3, 3] = numbers(field("position"), shape=(3,), where=f"{where}, position")
    return CalibratedCamera(name, _model(view, field, where), T_rig_camera, (name,))


def _model(view: dict[str, Any], field: Any, where: str) -> CameraModel:
    width, height = (whole(field(side), where=f"{where}, {side}") for side in ("width", "height"))
    focal = number(field("focal_length"), where=f"{where}, focal_length")
    aspect = number(view.get("pixel_aspect_ratio", 1.0), where=f"{where}, pixel_aspect_ratio")
    cx, cy = numbers(field("principal_point"), shape=(2,), where=f"{where}, principal_point")
    distortion = numbers(view.get("radial_distortion", [0.0, 0.0]), shape=(-1,), where=f"{where}, radial_distortion")
    k = [*distortion, 0.0, 0.0]
    intrinsics = (focal, focal * aspect, float(cx), float(cy))
    kind = view.get("projection_type", "fisheye")
    if any(k[2:]):
        raise RigError(f"{where}: radial_distortion has more than two terms; such a lens is not known")
    if kind == "fisheye":
        return KannalaBrandt(width, height, (*intrinsics, float(k[0]), float(k[1]), 0.0, 0.0))
    if kind in ("pinhole", "perspective") and not any(k):
        return Pinhole(width, height, intrinsics)
    raise RigError(f"{where}: projection_type '{kind}' is not known; it must be 'fisheye', or 'pinhole' undistorted")
