"""What drawing chunks costs, and what that makes for the show. SPEC 4.5."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.cost.coverage import coverage
from encoder.cost.eyes import Eyes
from player.composite.mesh import draw_mesh, vertex_disparities
from player.composite.refine import refine
from player.frames import LONGEST_EDGE
from protocol.budget import Cost
from protocol.mesh_codec import Geometry, LayerMesh
from protocol.projection import Projection

_STEP = 1000  # coverage is stated in thousandths of a screen


@dataclass(frozen=True, eq=False)
class Drawn:
    """A layer or a chunk as it is drawn.

    Attributes:
        coverage: (N,) screens, by eye, in the first frame.
        triangles: of its meshes.
        draws: layers that have any.
    """

    coverage: NDArray[np.float64]
    triangles: int
    draws: int


def drawn_layer(layer: LayerMesh, projection: Projection, eyes: Eyes) -> Drawn:
    """What one layer adds."""
    mesh = draw_mesh(Geometry((layer,)), projection)
    if projection.kind == "sphere":
        mesh = refine(mesh, projection, longest=LONGEST_EDGE)
    areas = coverage(mesh.directions, vertex_disparities(mesh, 0), mesh.triangles, eyes)
    return Drawn(areas, len(mesh.triangles), draws=int(len(mesh.triangles) > 0))


def drawn_chunk(geometry: Geometry, projection: Projection, eyes: Eyes) -> Drawn:
    """What all layers of a chunk make."""
    return total([drawn_layer(layer, projection, eyes) for layer in geometry.layers])


def total(layers: Sequence[Drawn]) -> Drawn:
    """The layers together; at least one."""
    return Drawn(
        coverage=np.sum([layer.coverage for layer in layers], axis=0),
        triangles=sum(layer.triangles for layer in layers),
        draws=sum(layer.draws for layer in layers),
    )


def cost_of(chunks: Sequence[Drawn]) -> Cost:
    """The cost of a show with these chunks, at least one."""
    views = np.sort(np.concatenate([chunk.coverage for chunk in chunks]))
    return Cost(
        coverage_mean=_rounded_up(float(views.mean())),
        coverage_p99=_rounded_up(float(views[-(-99 * len(views) // 100) - 1])),
        triangles=max(chunk.triangles for chunk in chunks),
        draws=max(chunk.draws for chunk in chunks),
    )


def _rounded_up(screens: float) -> float:
    # Less than a millionth over a step is arithmetic, not area.
    return math.ceil(screens * _STEP - 1e-3) / _STEP
