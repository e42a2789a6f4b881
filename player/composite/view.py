"""What a picture is drawn for: a pinhole view, or any camera that can project points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from protocol.geometry import T_WORLD_FORWARD_CAMERA

Array = NDArray[np.floating[Any]]


class Camera(Protocol):
    """Any camera model at a pose: (N, 3) points of the camera frame -> (N, 2) pixels and (N,) valid."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def T_world_camera(self) -> Array: ...
    def project(self, points: Array, /) -> tuple[Array, NDArray[np.bool_]]: ...


@dataclass(frozen=True)
class PinholeView:
    """A pinhole camera, OpenCV axes: pixel = f * (X, Y) / Z + c, the image spans [0, width] x [0, height]."""

    T_world_camera: Array
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def project(self, points: Array, /) -> tuple[Array, NDArray[np.bool_]]:
        """(N, 3) camera points -> (N, 2) pixels, (N,) in front of the camera."""
        valid = points[:, 2] > 1e-6 * np.linalg.norm(points, axis=-1)
        z = np.where(valid, points[:, 2], 1.0)
        return points[:, :2] / z[:, None] * (self.fx, self.fy) + (self.cx, self.cy), valid


@dataclass(frozen=True)
class ModelView:
    """A camera model (`encoder.rig.camera_model.CameraModel`, or what is like it) placed at T_world_camera."""

    model: Any
    T_world_camera: Array

    @property
    def width(self) -> int:
        return int(self.model.width)

    @property
    def height(self) -> int:
        return int(self.model.height)

    def project(self, points: Array, /) -> tuple[Array, NDArray[np.bool_]]:
        """(N, 3) camera points -> (N, 2) pixels, (N,) valid."""
        pixels, valid = self.model.project(points)
        return pixels, valid


def as_pinhole(camera: Camera) -> PinholeView | None:
    """The same camera as a pinhole view where it is one, so that it can be drawn exactly and fast; else None."""
    if isinstance(camera, PinholeView):
        return camera
    if isinstance(camera, ModelView) and camera.model.kind == "pinhole":
        fx, fy, cx, cy = camera.model.params
        return PinholeView(camera.T_world_camera, fx, fy, cx, cy, camera.width, camera.height)
    return None


def head_view(T_world_head: Array, *, width: int, height: int, fov: float) -> PinholeView:
    """The view of a head (x right, y up, looks along -z) with a horizontal field of view of `fov` radians."""
    focal = 0.5 * width / math.tan(0.5 * fov)
    return PinholeView(
        T_world_camera=T_world_head @ T_WORLD_FORWARD_CAMERA,
        fx=focal,
        fy=focal,
        cx=0.5 * width,
        cy=0.5 * height,
        width=width,
        height=height,
    )


def eye_heads(T_world_head: Array, *, ipd: float) -> tuple[Array, Array]:
    """The poses of the left and right eye of a head whose pupils are `ipd` metres apart."""
    left, right = np.eye(4), np.eye(4)
    left[0, 3], right[0, 3] = -0.5 * ipd, 0.5 * ipd
    return T_world_head @ left, T_world_head @ right
