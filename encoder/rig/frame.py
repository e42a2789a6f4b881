"""Where the show's frame lies in a rig, and whether its shells are spheres or planes."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from encoder.rig.rig import Rig, centres
from encoder.rig.view import field_of_view
from protocol.geometry import Array, inverse, pose

ShellKind = Literal["sphere", "plane"]

# The mean of unit vectors is shorter than this where cameras look all around (a cap of 120 degrees gives 0.25).
_NO_COMMON_DIRECTION = 0.25
_WIDEST_PLANE_TURN = math.radians(45.0)
_WIDEST_PLANE_VIEW = math.radians(120.0)


def show_frame(rig: Rig) -> Array:
    """T_show_rig (4, 4), rigid, units kept: origin at the mean camera centre, -z forward, +y up (DESIGN 3).

    Forward is the cameras' mean optical axis, up their mean "up" as far as it is square to forward. Where the
    cameras look all around there is no mean axis: then up is kept, and forward is the first camera's axis.
    """
    axes, ups = _axes(rig)
    forward, up = axes.mean(axis=0), ups.mean(axis=0)
    if np.linalg.norm(forward) < _NO_COMMON_DIRECTION:
        up = _unit(up) if np.linalg.norm(up) > _NO_COMMON_DIRECTION else ups[0]
        forward = _unit(_square_to(up, [*axes, *ups]))
    else:
        forward = _unit(forward)
        up = _unit(_square_to(forward, [up, *ups, *axes]))
    R_rig_show = np.stack([np.cross(forward, up), up, -forward], axis=1)
    return inverse(pose(R_rig_show, centres(rig).mean(axis=0)))


def choose_shell_kind(rig: Rig) -> ShellKind:
    """Planes for flat or narrow rigs, spheres for rigs that look around.

    Planes where all axes lie within 45 degrees of the mean axis and no camera sees 120 degrees or more.
    """
    axes, _ = _axes(rig)
    mean = axes.mean(axis=0)
    if np.linalg.norm(mean) < _NO_COMMON_DIRECTION:
        return "sphere"
    turned = float(np.arccos(np.clip(axes @ _unit(mean), -1.0, 1.0)).max())
    widest = max(max(field_of_view(camera.model)) for camera in rig.cameras)
    return "plane" if turned <= _WIDEST_PLANE_TURN and widest < _WIDEST_PLANE_VIEW else "sphere"


def _axes(rig: Rig) -> tuple[Array, Array]:
    """(N, 3) optical axes and (N, 3) up directions (-y of the camera), rig frame."""
    rotations = np.stack([camera.T_rig_camera[:3, :3] for camera in rig.cameras])
    return rotations[:, :, 2], -rotations[:, :, 1]


def _unit(vector: Array) -> Array:
    unit: Array = vector / np.linalg.norm(vector)
    return unit


def _square_to(normal: Array, candidates: list[Array]) -> Array:
    """The part square to a unit `normal` of the first candidate that has a fair one."""
    parts = [candidate - normal * float(candidate @ normal) for candidate in candidates]
    return next((part for part in parts if np.linalg.norm(part) > 0.1), max(parts, key=lambda p: float(p @ p)))
