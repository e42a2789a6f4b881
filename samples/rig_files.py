"""Writes a rig's calibration and ground truth as JSON: Broxton's `models.json`, and `test_views.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protocol.geometry import angle_axis_from_rotation
from samples.cameras import FISHEYE, SampleCamera


def write_models(path: Path, cameras: Sequence[SampleCamera]) -> None:
    """`models.json` of Google's deepview_video_dataset; metres, x right, y down, z forward, pixel centres at +0.5."""
    path.write_text(json.dumps([_model(camera) for camera in cameras], indent=1) + "\n")


def write_test_views(path: Path, views: Sequence[tuple[SampleCamera, int, str]]) -> None:
    """(camera, frame, file) each -> `test_views.json`; `T_world_camera` in the frame of `models.json`."""
    path.write_text(json.dumps([_view(*view) for view in views], indent=1) + "\n")


def _model(camera: SampleCamera) -> dict[str, Any]:
    return {
        "name": camera.name,
        "position": camera.centre.tolist(),
        # World to camera, hence the transpose.
        "orientation": angle_axis_from_rotation(camera.T_world_camera[:3, :3].T).tolist(),
        "focal_length": camera.focal_length,
        "pixel_aspect_ratio": 1.0,
        "principal_point": [camera.width / 2, camera.height / 2],
        "height": float(camera.height),
        "width": float(camera.width),
        "radial_distortion": [camera.k1, camera.k2, 0.0],
        "projection_type": "fisheye" if camera.kind == FISHEYE else "pinhole",
    }


def _view(camera: SampleCamera, frame: int, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "frame": frame,
        "width": camera.width,
        "height": camera.height,
        "fx": camera.focal_length,
        "fy": camera.focal_length,
        "cx": camera.width / 2,
        "cy": camera.height / 2,
        "T_world_camera": camera.T_world_camera.tolist(),
    }
