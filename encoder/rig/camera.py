"""One camera of a rig: lens, pose and footage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from encoder.rig.camera_model import CameraModel
from protocol.geometry import Array

Units = Literal["metres", "rig units"]


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera of the rig and what it filmed.

    Attributes:
        name: unique in the rig.
        model: lens and sensor, for the footage's own size; pixel centres at +0.5.
        T_rig_camera: (4, 4) float64, rigid; camera frames follow OpenCV.
        files: its images in order of time, or its one video.
        mask: image of the same size, white where the camera's pixels may be used.
    """

    name: str
    model: CameraModel
    T_rig_camera: Array
    files: tuple[Path, ...] | Path
    mask: Path | None = None
