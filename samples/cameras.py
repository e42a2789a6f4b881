"""Cameras of the sample rigs: a dome that looks outward, a plane that looks forward, and test views between them.

Frame as in `samples.scene` (x right, y DOWN, z forward). Pixel centres at +0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.geometry import pose, rotation_from_angle_axis

F64 = NDArray[np.float64]
FISHEYE, PINHOLE = 0, 1


@dataclass(frozen=True)
class SampleCamera:
    """One camera with square pixels.

    Attributes:
        kind: FISHEYE (Kannala-Brandt: r = f * theta * (1 + k1 theta^2 + k2 theta^4)) or PINHOLE.
        focal_length: pixels per radian or per unit of tangent.
        T_world_camera: (4, 4), camera frame x right, y down, z forward.
    """

    name: str
    kind: int
    width: int
    height: int
    focal_length: float
    T_world_camera: F64
    k1: float = 0.0
    k2: float = 0.0

    @property
    def centre(self) -> F64:
        """(3,) metres, world."""
        return self.T_world_camera[:3, 3].copy()

    @property
    def lens(self) -> F64:
        """(7,) kind, fx, fy, cx, cy, k1, k2 as the tracer takes them."""
        f = self.focal_length
        return np.array([self.kind, f, f, self.width / 2, self.height / 2, self.k1, self.k2], np.float64)

    def project(self, points: F64) -> F64:
        """(..., 3) world points, metres -> (..., 2) pixels. Points behind a pinhole give meaningless pixels."""
        p = (points - self.centre) @ self.T_world_camera[:3, :3]
        if self.kind == PINHOLE:
            scaled = p[..., :2] / p[..., 2:]
        else:
            across = np.hypot(p[..., 0], p[..., 1])
            theta = np.arctan2(across, p[..., 2])
            radius = theta * (1.0 + self.k1 * theta**2 + self.k2 * theta**4)
            scaled = p[..., :2] * (radius / np.maximum(across, 1e-12))[..., None]
        return np.asarray(self.focal_length * scaled + np.array([self.width / 2, self.height / 2]))


@dataclass(frozen=True)
class Lens:
    """What all cameras of a rig share. `field` is the angle across the picture's width, radians."""

    kind: int
    width: int
    height: int
    field: float
    k1: float = 0.0
    k2: float = 0.0

    def camera(self, name: str, T_world_camera: F64) -> SampleCamera:
        half = 0.5 * self.field
        if self.kind == PINHOLE:
            focal_length = 0.5 * self.width / math.tan(half)
        else:
            focal_length = 0.5 * self.width / (half * (1.0 + self.k1 * half**2 + self.k2 * half**4))
        return SampleCamera(
            name, self.kind, self.width, self.height, focal_length, T_world_camera, k1=self.k1, k2=self.k2
        )


def looking(direction: F64, roll: float) -> F64:
    """(3, 3) R_world_camera of a camera that looks along `direction` with its x axis level, then rolled (radians)."""
    z = direction / np.linalg.norm(direction)
    x = np.cross(np.array([0.0, 1.0, 0.0]), z)
    x /= np.linalg.norm(x)
    level = np.stack([x, np.cross(z, x), z], axis=1)
    return np.asarray(level @ rotation_from_angle_axis(np.array([0.0, 0.0, roll])))


def dome(lens: Lens, count: int, *, radius: float, cap: float, seed: int) -> list[SampleCamera]:
    """Cameras on the cap of a sphere around the origin, evenly by the golden angle, looking outward.

    Args:
        radius: metres. cap: angle from forward to the cap's edge, radians.
    """
    rolls = np.random.default_rng(seed).uniform(-math.radians(4), math.radians(4), count)
    cameras = []
    for i in range(count):
        z = 1.0 - (i + 0.5) / count * (1.0 - math.cos(cap))
        across, angle = math.sqrt(1.0 - z * z), i * math.pi * (3.0 - math.sqrt(5.0))
        direction = np.array([across * math.cos(angle), across * math.sin(angle), z])
        T_world_camera = np.asarray(pose(looking(direction, float(rolls[i])), radius * direction), np.float64)
        cameras.append(lens.camera(f"camera_{i + 1:04d}", T_world_camera))
    return cameras


def planar(lens: Lens, count: int, *, spacing: float, seed: int) -> list[SampleCamera]:
    """Cameras on a grid across the z axis, `spacing` metres apart, looking forward but for a hand's inaccuracy."""
    random = np.random.default_rng(seed)
    columns = math.ceil(math.sqrt(count * 4 / 3))
    rows = math.ceil(count / columns)
    cameras = []
    for i in range(count):
        row, column = divmod(i, columns)
        centre = spacing * np.array([column - 0.5 * (columns - 1), row - 0.5 * (rows - 1), 0.0])
        centre += random.normal(0.0, 0.02 * spacing, 3)
        turn = rotation_from_angle_axis(random.normal(0.0, math.radians(0.7), 3))
        cameras.append(lens.camera(f"camera_{i + 1:04d}", np.asarray(pose(turn, centre), np.float64)))
    return cameras


def test_views(count: int, *, size: int, field: float, reach: F64, turn: float, seed: int) -> list[SampleCamera]:
    """Pinhole views that are no rig cameras: random heads near the origin that look about.

    Args:
        size: pixels, square. field: across the picture, radians.
        reach: (3,) half axes of the ellipsoid in which heads are, metres.
        turn: how far they look away from forward, radians.
    """
    random = np.random.default_rng(seed)
    lens = Lens(PINHOLE, size, size, field)
    views = []
    for i in range(count):
        head = random.normal(size=3)
        head *= random.uniform() ** (1 / 3) / np.linalg.norm(head)
        yaw, pitch = random.uniform(-turn, turn), random.uniform(-0.5 * turn, 0.5 * turn)
        direction = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
        rotation = looking(direction, random.uniform(-0.1, 0.1))
        views.append(lens.camera(f"view_{i:02d}", np.asarray(pose(rotation, reach * head), np.float64)))
    return views
