"""Where rays meet the things of a scene: numba functions, metres, frame of `samples.scene`; unit directions."""

from __future__ import annotations

import math

from samples import scene as sc
from samples.kernel import kernel
from samples.scene import F64

FAR = 1e9
NOTHING, ROOM, YARD, SPHERE, ROD, BOX, PANE = range(7)
_EPSILON = 1e-5

Vector = tuple[float, float, float]


@kernel
def _sphere(rows: F64, i: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    x, y, z = ox - rows[i, 0], oy - rows[i, 1], oz - rows[i, 2]
    half = x * dx + y * dy + z * dz
    inside = half * half - (x * x + y * y + z * z - rows[i, 3] * rows[i, 3])
    if inside < 0.0:
        return FAR
    root = math.sqrt(inside)
    if -half - root > _EPSILON:
        return -half - root
    return -half + root if -half + root > _EPSILON else FAR


@kernel
def _rod(rows: F64, i: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    """A cylinder without caps, seen from outside."""
    ax, ay, az = rows[i, 3], rows[i, 4], rows[i, 5]
    x, y, z = ox - rows[i, 0], oy - rows[i, 1], oz - rows[i, 2]
    # The common normal of ray and axis: how far they pass each other tells nearly all rays that miss.
    nx, ny, nz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
    a = nx * nx + ny * ny + nz * nz
    apart = nx * x + ny * y + nz * z
    inside = a * rows[i, 7] * rows[i, 7] - apart * apart
    if inside <= 0.0:
        return FAR
    along_d = ax * dx + ay * dy + az * dz
    along_o = ax * x + ay * y + az * z
    distance = (along_d * along_o - (x * dx + y * dy + z * dz) - math.sqrt(inside)) / a
    along = along_o + distance * along_d
    return distance if distance > _EPSILON and 0.0 <= along <= rows[i, 6] else FAR


@kernel
def _turned(x: float, z: float, c: float, s: float) -> tuple[float, float]:
    """World x and z -> those of a thing that is turned about the y axis by an angle of this cosine and sine."""
    return c * x - s * z, s * x + c * z


@kernel
def _apart_from_zero(value: float) -> float:
    return value if abs(value) > 1e-12 else 1e-12


@kernel
def _box(rows: F64, i: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    x, z = _turned(ox - rows[i, 0], oz - rows[i, 2], rows[i, 6], rows[i, 7])
    a, c = _turned(dx, dz, rows[i, 6], rows[i, 7])
    y, b = oy - rows[i, 1], dy
    ia, ib, ic = 1.0 / _apart_from_zero(a), 1.0 / _apart_from_zero(b), 1.0 / _apart_from_zero(c)
    enter = max(-x * ia - rows[i, 3] * abs(ia), -y * ib - rows[i, 4] * abs(ib), -z * ic - rows[i, 5] * abs(ic))
    leave = min(-x * ia + rows[i, 3] * abs(ia), -y * ib + rows[i, 4] * abs(ib), -z * ic + rows[i, 5] * abs(ic))
    return enter if leave > enter > _EPSILON else FAR


@kernel
def _pane(rows: F64, i: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    x, z = _turned(ox - rows[i, 0], oz - rows[i, 2], rows[i, 5], rows[i, 6])
    a, c = _turned(dx, dz, rows[i, 5], rows[i, 6])
    distance = -z / _apart_from_zero(c)
    hit = abs(x + distance * a) <= rows[i, 3] and abs(oy + distance * dy - rows[i, 1]) <= rows[i, 4]
    return distance if hit and distance > _EPSILON else FAR


@kernel
def _surroundings(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> tuple[float, int, int]:
    """The room's inside, or through its gate the yard: distance, shape, and which wall."""
    tx = ((sc.ROOM_MAX[0] if dx > 0 else sc.ROOM_MIN[0]) - ox) / _apart_from_zero(dx)
    ty = ((sc.ROOM_MAX[1] if dy > 0 else sc.ROOM_MIN[1]) - oy) / _apart_from_zero(dy)
    tz = ((sc.ROOM_MAX[2] if dz > 0 else sc.ROOM_MIN[2]) - oz) / _apart_from_zero(dz)
    if tx <= ty and tx <= tz:
        return tx, ROOM, sc.WALL_RIGHT if dx > 0 else sc.WALL_LEFT
    if ty <= tz:
        return ty, ROOM, sc.FLOOR if dy > 0 else sc.CEILING
    x, y = ox + tz * dx, oy + tz * dy
    if dz < 0:
        return tz, ROOM, sc.WALL_BEHIND
    if not (sc.GATE_X[0] < x < sc.GATE_X[1] and y > sc.GATE_TOP_Y):
        return tz, ROOM, sc.WALL_FRONT
    wall = (sc.YARD_END_Z - oz) / dz
    ground = (sc.FLOOR_Y - oy) / _apart_from_zero(dy)
    if 0.0 < ground < wall:
        return ground, YARD, sc.YARD_GROUND
    if abs(ox + wall * dx) < sc.YARD_HALF_WIDTH and oy + wall * dy > sc.YARD_WALL_TOP_Y:
        return wall, YARD, sc.YARD_WALL
    return FAR, NOTHING, 0


@kernel
def nearest(
    prims: sc.Primitives, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, int, int]:
    """What the ray meets first: distance (FAR for nothing), shape, and its row (or which wall)."""
    best, shape, index = FAR, NOTHING, 0
    if prims.surroundings:
        best, shape, index = _surroundings(ox, oy, oz, dx, dy, dz)
    for i in range(len(prims.spheres)):
        distance = _sphere(prims.spheres, i, ox, oy, oz, dx, dy, dz)
        if distance < best:
            best, shape, index = distance, SPHERE, i
    for i in range(len(prims.rods)):
        distance = _rod(prims.rods, i, ox, oy, oz, dx, dy, dz)
        if distance < best:
            best, shape, index = distance, ROD, i
    for i in range(len(prims.boxes)):
        distance = _box(prims.boxes, i, ox, oy, oz, dx, dy, dz)
        if distance < best:
            best, shape, index = distance, BOX, i
    for i in range(len(prims.panes)):
        distance = _pane(prims.panes, i, ox, oy, oz, dx, dy, dz)
        if distance < best:
            best, shape, index = distance, PANE, i
    return best, shape, index


@kernel
def is_shadowed(
    prims: sc.Primitives, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, reach: float
) -> bool:
    """Whether something solid stands between the point and a lamp at the distance `reach`."""
    for i in range(len(prims.spheres)):
        if _sphere(prims.spheres, i, ox, oy, oz, dx, dy, dz) < reach:
            return True
    for i in range(len(prims.rods)):
        if _rod(prims.rods, i, ox, oy, oz, dx, dy, dz) < reach:
            return True
    for i in range(len(prims.boxes)):  # noqa: SIM110 (numba takes no generators)
        if _box(prims.boxes, i, ox, oy, oz, dx, dy, dz) < reach:
            return True
    return False


@kernel
def _facing_axis(x: float, y: float, z: float) -> int:
    """Which axis is the largest."""
    if abs(x) >= abs(y) and abs(x) >= abs(z):
        return 0
    return 1 if abs(y) >= abs(z) else 2


@kernel
def hit_of(
    prims: sc.Primitives, shape: int, index: int, px: float, py: float, pz: float
) -> tuple[Vector, Vector, tuple[float, float], int]:
    """Of a point on a thing: unit normal, point in the thing's frame, surface coordinates in metres, its material."""
    if shape == SPHERE:
        rows, i = prims.spheres, index
        x, y, z = px - rows[i, 0], py - rows[i, 1], pz - rows[i, 2]
        lx, lz = _turned(x, z, rows[i, 4], rows[i, 5])
        u, v = rows[i, 3] * math.atan2(lx, lz), rows[i, 3] * math.asin(max(-1.0, min(1.0, y / rows[i, 3])))
        return (x / rows[i, 3], y / rows[i, 3], z / rows[i, 3]), (lx, y, lz), (u, v), prims.sphere_material[index]
    if shape == ROD:
        rows, i = prims.rods, index
        x, y, z = px - rows[i, 0], py - rows[i, 1], pz - rows[i, 2]
        along = rows[i, 3] * x + rows[i, 4] * y + rows[i, 5] * z
        nx, ny, nz = (
            (x - along * rows[i, 3]) / rows[i, 7],
            (y - along * rows[i, 4]) / rows[i, 7],
            (z - along * rows[i, 5]) / rows[i, 7],
        )
        return (nx, ny, nz), (x, y, z), (0.0, along), prims.rod_material[index]
    if shape == BOX:
        rows, i = prims.boxes, index
        x, z = _turned(px - rows[i, 0], pz - rows[i, 2], rows[i, 6], rows[i, 7])
        y = py - rows[i, 1]
        axis = _facing_axis(x / rows[i, 3], y / rows[i, 4], z / rows[i, 5])
        if axis == 1:
            return (0.0, math.copysign(1.0, y), 0.0), (x, y, z), (x, z), prims.box_material[index]
        a, c = (math.copysign(1.0, x), 0.0) if axis == 0 else (0.0, math.copysign(1.0, z))
        nx, nz = _turned(a, c, rows[i, 6], -rows[i, 7])
        return (nx, 0.0, nz), (x, y, z), (z if axis == 0 else x, y), prims.box_material[index]
    if shape == PANE:
        rows, i = prims.panes, index
        x, z = _turned(px - rows[i, 0], pz - rows[i, 2], rows[i, 5], rows[i, 6])
        nx, nz = _turned(0.0, 1.0, rows[i, 5], -rows[i, 6])
        return (nx, 0.0, nz), (x, py - rows[i, 1], 0.0), (x, py - rows[i, 1]), prims.pane_material[index]
    if index == sc.WALL_LEFT or index == sc.WALL_RIGHT:
        return (1.0, 0.0, 0.0), (px, py, pz), (pz, py), index
    if index == sc.FLOOR or index == sc.CEILING or index == sc.YARD_GROUND:
        return (0.0, 1.0, 0.0), (px, py, pz), (px, pz), index
    return (0.0, 0.0, 1.0), (px, py, pz), (px, py), index
