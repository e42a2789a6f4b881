"""Axes and poses. The only place where conventions are converted (DESIGN 3).

Poses are 4x4 float64 matrices named `T_a_b`: they map points of frame b to frame a.
World: +x right, +y up, -z forward. Camera frames follow OpenCV: x right, y down, z forward.
Quaternions are (w, x, y, z), unit length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# An OpenCV camera that looks along the world's -z with the world's +y up.
T_WORLD_FORWARD_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])


def pose(rotation: Array, translation: Array) -> Array:
    """(3, 3) rotation and (3,) translation -> (4, 4) pose."""
    out = np.eye(4)
    out[:3, :3] = rotation
    out[:3, 3] = translation
    return out


def inverse(T_a_b: Array) -> Array:
    """(..., 4, 4) rigid pose -> T_b_a."""
    out = np.zeros_like(T_a_b, dtype=np.float64)
    R = np.swapaxes(T_a_b[..., :3, :3], -1, -2)
    out[..., :3, :3] = R
    out[..., :3, 3] = -(R @ T_a_b[..., :3, 3:])[..., 0]
    out[..., 3, 3] = 1.0
    return out


def transform(T_a_b: Array, points_b: Array) -> Array:
    """(4, 4) pose applied to (..., 3) points."""
    moved: Array = points_b @ T_a_b[:3, :3].T + T_a_b[:3, 3]
    return moved


def rotation_from_angle_axis(vector: Array) -> Array:
    """(3,) axis times angle, radians -> (3, 3) rotation (Rodrigues)."""
    v = np.asarray(vector, np.float64)
    angle = float(np.linalg.norm(v))
    x, y, z = v
    K: Array = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    KK: Array = K @ K
    if angle < 1e-8:
        return np.eye(3) + K + 0.5 * KK
    R: Array = np.eye(3) + np.sin(angle) / angle * K + (1.0 - np.cos(angle)) / angle**2 * KK
    return R


def rotation_from_quaternion(wxyz: Array) -> Array:
    """(4,) quaternion (w, x, y, z), any non-zero length -> (3, 3) rotation."""
    w, x, y, z = np.asarray(wxyz, np.float64) / np.linalg.norm(wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_from_rotation(rotation: Array) -> Array:
    """(3, 3) rotation -> (4,) quaternion (w, x, y, z) with w >= 0."""
    R = np.asarray(rotation, np.float64)
    # The largest eigenvector of Bar-Itzhack's matrix is stable for every rotation.
    K = np.empty((4, 4))
    K[0] = [np.trace(R), R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]
    K[1:, 0] = K[0, 1:]
    K[1:, 1:] = R + R.T - np.trace(R) * np.eye(3)
    q = np.linalg.eigh(K)[1][:, -1]
    return -q if q[0] < 0 else q


def angle_axis_from_rotation(rotation: Array) -> Array:
    """(3, 3) rotation -> (3,) axis times angle, radians, the angle in [0, pi]; undoes `rotation_from_angle_axis`."""
    q = quaternion_from_rotation(rotation)
    length = float(np.linalg.norm(q[1:]))
    # q is (cos(angle / 2), sin(angle / 2) * axis); near zero the angle is twice the sine.
    scale = 2.0 if length < 1e-12 else 2.0 * np.arctan2(length, q[0]) / length
    return np.asarray(scale * q[1:])
