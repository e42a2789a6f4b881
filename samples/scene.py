"""The sample scene: a room with an open gate to a yard, and what stands, hangs and moves in it.

Frame of this module and of the rig files: right-handed, metres, x right, y DOWN, z forward, origin at the rig's centre.
The room is made for view synthesis to find hard: thin wires and poles, a mirror ball, a translucent film in a frame,
near and far things, a plain wall, moving balls that cast shadows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samples.textures import BRICK, CHECKER, EMISSIVE, FILM, MIRROR, NOISE, PLANKS, STRIPES

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Point = tuple[float, float, float]

FLOOR_Y, CEILING_Y = 1.4, -1.6
ROOM_MIN: Point = (-3.0, CEILING_Y, -3.0)
ROOM_MAX: Point = (3.0, FLOOR_Y, 5.0)
GATE_X, GATE_TOP_Y = (-0.9, 1.9), -1.0
YARD_END_Z, YARD_HALF_WIDTH, YARD_WALL_TOP_Y = 16.0, 9.0, -2.6
LAMP: Point = (0.6, -0.7, 0.6)

# The first rows of the materials' table belong to the surroundings.
WALL_LEFT, WALL_RIGHT, CEILING, FLOOR, WALL_BEHIND, WALL_FRONT, YARD_GROUND, YARD_WALL, SKY = range(9)


class Primitives(NamedTuple):
    """The scene at one instant, as the tracer takes it.

    Attributes:
        surroundings: whether the room and the yard are there; else what nothing hits is black and infinitely far.
        spheres: (S, 6) centre, radius, cosine and sine of the turn about the y axis.
        rods: (R, 8) one end, unit direction to the other end, length, radius.
        boxes: (B, 8) centre, half sizes, cosine and sine of the turn about the y axis.
        panes: (P, 7) centre, half width, half height, cosine and sine of the turn about the y axis.
        materials: (M, 8) kind, scale in metres, two linear RGB colours.
        sphere_material, rod_material, box_material, pane_material: rows of `materials`.
    """

    surroundings: bool
    spheres: F64
    rods: F64
    boxes: F64
    panes: F64
    materials: F64
    sphere_material: I64
    rod_material: I64
    box_material: I64
    pane_material: I64


@dataclass
class SceneBuilder:
    """Gathers things and their materials."""

    surroundings: bool = True
    materials: list[list[float]] = field(default_factory=list)
    spheres: list[list[float]] = field(default_factory=list)
    rods: list[list[float]] = field(default_factory=list)
    boxes: list[list[float]] = field(default_factory=list)
    panes: list[list[float]] = field(default_factory=list)
    of: dict[str, list[int]] = field(default_factory=lambda: {"sphere": [], "rod": [], "box": [], "pane": []})

    def material(self, kind: int, scale: float, first: Point, second: Point) -> int:
        """Adds a material and returns its row."""
        self.materials.append([float(kind), scale, *first, *second])
        return len(self.materials) - 1

    def sphere(self, centre: Point, radius: float, material: int, turn: float = 0.0) -> None:
        self.spheres.append([*centre, radius, math.cos(turn), math.sin(turn)])
        self.of["sphere"].append(material)

    def rod(self, start: Point, end: Point, radius: float, material: int) -> None:
        length = math.dist(start, end)
        self.rods.append([*start, *((b - a) / length for a, b in zip(start, end, strict=True)), length, radius])
        self.of["rod"].append(material)

    def box(self, centre: Point, half: Point, turn: float, material: int) -> None:
        self.boxes.append([*centre, *half, math.cos(turn), math.sin(turn)])
        self.of["box"].append(material)

    def pane(self, centre: Point, half_width: float, half_height: float, turn: float, material: int) -> None:
        self.panes.append([*centre, half_width, half_height, math.cos(turn), math.sin(turn)])
        self.of["pane"].append(material)

    def primitives(self) -> Primitives:
        def rows(values: list[list[float]], columns: int) -> F64:
            return np.array(values, np.float64).reshape(-1, columns)

        return Primitives(
            self.surroundings,
            rows(self.spheres, 6),
            rows(self.rods, 8),
            rows(self.boxes, 8),
            rows(self.panes, 7),
            rows(self.materials, 8),
            *(np.array(self.of[name], np.int64) for name in ("sphere", "rod", "box", "pane")),
        )


def room(time_s: float) -> Primitives:
    """The room at a time in seconds. The nearest thing is 0.75 m from the origin, the sky infinitely far."""
    scene = SceneBuilder()
    _surroundings(scene)
    _standing(scene)
    _thin(scene)
    _translucent(scene)
    _moving(scene, time_s)
    return scene.primitives()


def marker_scene(points: F64, radius: float) -> Primitives:
    """Small white balls at (N, 3) points in metres before black: to check where cameras see them."""
    scene = SceneBuilder(surroundings=False)
    white = scene.material(EMISSIVE, 1.0, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    for x, y, z in points:
        scene.sphere((float(x), float(y), float(z)), radius, white)
    return scene.primitives()


def _surroundings(scene: SceneBuilder) -> None:
    scene.material(PLANKS, 0.3, (0.10, 0.16, 0.22), (0.35, 0.45, 0.50))
    scene.material(STRIPES, 0.35, (0.55, 0.42, 0.25), (0.20, 0.10, 0.08))
    scene.material(NOISE, 0.5, (0.30, 0.30, 0.28), (0.50, 0.49, 0.46))
    scene.material(CHECKER, 0.4, (0.12, 0.09, 0.07), (0.55, 0.50, 0.42))
    scene.material(NOISE, 0.6, (0.25, 0.30, 0.20), (0.55, 0.58, 0.40))
    scene.material(BRICK, 0.32, (0.35, 0.09, 0.05), (0.62, 0.55, 0.48))
    scene.material(NOISE, 0.9, (0.10, 0.14, 0.06), (0.38, 0.40, 0.20))
    scene.material(BRICK, 1.0, (0.30, 0.22, 0.12), (0.60, 0.58, 0.50))
    scene.material(NOISE, 1.0, (0.25, 0.45, 0.85), (0.95, 0.95, 0.95))


def _standing(scene: SceneBuilder) -> None:
    mirror = scene.material(MIRROR, 1.0, (0.86, 0.88, 0.90), (0.86, 0.88, 0.90))
    marble = scene.material(NOISE, 0.25, (0.05, 0.20, 0.25), (0.80, 0.85, 0.75))
    crate = scene.material(PLANKS, 0.11, (0.20, 0.11, 0.04), (0.60, 0.40, 0.20))
    tiles = scene.material(CHECKER, 0.16, (0.65, 0.10, 0.08), (0.80, 0.75, 0.60))
    plain = scene.material(NOISE, 0.8, (0.40, 0.38, 0.50), (0.46, 0.44, 0.56))
    leafy = scene.material(NOISE, 0.06, (0.02, 0.10, 0.02), (0.35, 0.55, 0.15))
    scene.sphere((-1.15, 0.25, 2.0), 0.36, mirror)
    scene.box((-1.15, 1.0, 2.0), (0.22, 0.4, 0.22), 0.5, crate)
    scene.sphere((0.55, 1.0, 1.9), 0.4, marble, 0.4)
    scene.box((-1.9, 0.95, 3.4), (0.45, 0.45, 0.45), 0.4, tiles)
    scene.box((2.2, 0.4, 3.6), (0.4, 1.0, 0.4), -0.3, crate)
    scene.box((-2.0, 0.7, -0.4), (0.35, 0.7, 0.35), 0.2, plain)
    scene.box((2.1, 0.95, 0.3), (0.3, 0.45, 0.5), -0.2, tiles)
    scene.sphere((2.1, 0.2, 0.3), 0.3, leafy)
    scene.sphere((0.34, 0.36, 0.72), 0.08, leafy)


def _thin(scene: SceneBuilder) -> None:
    metal = scene.material(STRIPES, 0.12, (0.75, 0.70, 0.10), (0.03, 0.03, 0.03))
    dark = scene.material(NOISE, 0.2, (0.02, 0.02, 0.02), (0.08, 0.08, 0.08))
    light = scene.material(NOISE, 0.2, (0.75, 0.75, 0.70), (0.85, 0.85, 0.80))
    scene.rod((0.34, 0.43, 0.72), (0.34, FLOOR_Y, 0.72), 0.008, dark)
    scene.rod((-0.6, CEILING_Y, 1.5), (-0.6, FLOOR_Y, 1.5), 0.025, metal)
    scene.rod((1.3, CEILING_Y, 2.7), (1.3, FLOOR_Y, 2.7), 0.03, light)
    scene.rod((-3.0, -1.1, 2.6), (3.0, -0.8, 2.2), 0.008, dark)
    scene.rod((-3.0, -0.7, 1.4), (3.0, -1.2, 3.2), 0.006, light)
    scene.rod((-1.6, -1.6, 1.1), (0.4, -0.5, 4.9), 0.007, dark)


def _translucent(scene: SceneBuilder) -> None:
    film = scene.material(FILM, 0.35, (0.10, 0.55, 0.60), (0.30, 0.70, 0.95))
    dark = scene.material(NOISE, 0.2, (0.03, 0.03, 0.03), (0.10, 0.10, 0.10))
    x, y, z, half_width, half_height, turn = 1.05, 0.1, 1.35, 0.36, 0.5, 0.55
    scene.pane((x, y, z), half_width, half_height, turn, film)
    across = (half_width * math.cos(turn), half_width * math.sin(turn))
    corners = [
        (x + s * across[0], y + v * half_height, z - s * across[1]) for s, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        scene.rod(start, end, 0.012, dark)
    scene.rod((x, y + half_height, z), (x, FLOOR_Y, z), 0.015, dark)


def _moving(scene: SceneBuilder, time_s: float) -> None:
    ball = scene.material(CHECKER, 0.16 * math.pi / 4, (0.70, 0.08, 0.05), (0.90, 0.80, 0.20))
    rubber = scene.material(NOISE, 0.1, (0.05, 0.10, 0.50), (0.30, 0.50, 0.90))
    angle = 2.2 * time_s - 0.6
    centre = (0.1 + 0.6 * math.sin(angle), -0.15 + 0.1 * math.sin(2.0 * angle), 1.9 - 0.6 * math.cos(angle))
    scene.sphere(centre, 0.16, ball, 3.0 * time_s)
    phase = (1.7 * time_s + 0.2) % 1.0
    scene.sphere((-0.25, FLOOR_Y - 0.14 - 2.4 * phase * (1.0 - phase), 2.6), 0.14, rubber, 1.0)
