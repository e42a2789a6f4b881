"""A head moved by mouse and keyboard inside the comfort volume. Pure logic: a window feeds it and asks for the pose."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from player.pose.comfort import Array, ComfortBox, clamped
from protocol.geometry import pose, rotation_from_angle_axis

_STEEPEST = math.radians(89.0)

# Which way a held key moves the head: +x right, +y up, -z forward.
KEYS = {
    "w": (0.0, 0.0, -1.0),
    "x": (0.0, 0.0, 1.0),
    "a": (-1.0, 0.0, 0.0),
    "d": (1.0, 0.0, 0.0),
    "e": (0.0, 1.0, 0.0),
    "c": (0.0, -1.0, 0.0),
}


@dataclass(frozen=True)
class FlyHead:
    """A head that looks `yaw` to the right of forward and `pitch` up, radians; position in metres, world."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    pitch: float = 0.0


def centred(box: ComfortBox) -> FlyHead:
    """A head in the middle of the box that looks forward."""
    x, y, z = (0.5 * (box.low + box.high)).tolist()
    return FlyHead(position=(x, y, z))


def turned(head: FlyHead, *, right: float, up: float) -> FlyHead:
    """Turn by angles in radians; looking straight up and down is the limit."""
    yaw = math.remainder(head.yaw + right, 2.0 * math.pi)
    return replace(head, yaw=yaw, pitch=min(max(head.pitch + up, -_STEEPEST), _STEEPEST))


def moved(head: FlyHead, box: ComfortBox, keys: frozenset[str], *, seconds: float) -> FlyHead:
    """Move while `keys` are held: the box's longest half side takes a second. Forward follows the yaw alone."""
    step = sum((np.array(KEYS[k]) for k in keys if k in KEYS), np.zeros(3))
    length = float(np.linalg.norm(step))
    if length == 0.0:
        return head
    speed = 0.5 * float(np.max(box.high - box.low))
    way = rotation_from_angle_axis(np.array([0.0, -head.yaw, 0.0])) @ (step / length)
    x, y, z = clamped(box, np.array(head.position) + speed * seconds * way).tolist()
    return replace(head, position=(x, y, z))


def shifted(head: FlyHead, box: ComfortBox, *, right: float, up: float, forward: float = 0.0) -> FlyHead:
    """Move by metres along the head's own right, the world's up and the yaw's forward; stays inside the box."""
    turn = rotation_from_angle_axis(np.array([0.0, -head.yaw, 0.0]))
    x, y, z = clamped(box, np.array(head.position) + turn @ np.array([right, up, -forward])).tolist()
    return replace(head, position=(x, y, z))


def head_pose(head: FlyHead) -> Array:
    """(4, 4) T_world_head."""
    yaw = rotation_from_angle_axis(np.array([0.0, -head.yaw, 0.0]))
    pitch = rotation_from_angle_axis(np.array([head.pitch, 0.0, 0.0]))
    return pose(yaw @ pitch, np.array(head.position))
