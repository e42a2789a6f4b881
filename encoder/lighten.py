"""Layers that a device can blend: faint texels are given up and layers merged until a budget is kept (SPEC 4.5)."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from encoder.atlas.dilate import dilate_colour
from encoder.cost.count import Drawn, cost_of, drawn_layer, total
from encoder.cost.eyes import Eyes
from encoder.layers.layer_images import LayerImages
from encoder.layers.merge import merge_layers
from encoder.layers.merge_choice import BLOCK, blocks_of, cheapest_pair
from encoder.layers.tessellate import Tessellation, TessellationConfig, tessellate
from protocol.budget import Cost, over
from protocol.mesh_codec import LayerMesh, Rect
from protocol.projection import Projection

log = logging.getLogger(__name__)
# What meshes of layers are cut down to, so that all rungs blend about the same.
CUT = BLOCK
# Of 255. Cells with nothing but fainter texels are up to a sixth of what is blended; a held-out camera loses 0.02 dB
# without them.
_FAINT = 32
# Coverage that is left for what differs between the meshes that are measured and those of the rungs.
_RESERVE = 0.01
_COARSE = 8.0  # times the tolerance: what is measured is area, which hardly depends on it
_COLOUR_REACH = 5


def lighten(
    layers: LayerImages, projection: Projection, eyes: Eyes, budget: Cost, *, tolerance: float, faintest: int
) -> int:
    """Gives up faint texels, then merges layers in place, until what is blended is within the budget.

    Args:
        tolerance: of the best rung's meshes, 1/m.
        faintest: of 255, the least alpha that meshes cover anyway.

    Returns:
        The alpha that meshes are to cover.
    """
    aim = replace(budget, **{key: (1 - _RESERVE) * getattr(budget, key) for key in ("coverage_mean", "coverage_p99")})
    threshold = faintest
    drawn = _measured(layers, projection, eyes, tolerance, threshold)
    if _excess(drawn, aim) and threshold < _FAINT:
        threshold = _FAINT
        drawn = _measured(layers, projection, eyes, tolerance, threshold)
    while _excess(drawn, aim):
        pair = merge_next(layers, projection, threshold=threshold)
        if pair is None:
            break
        far, near = pair
        drawn[far] = _drawn(layers, far, projection, eyes, tolerance, threshold)
        drawn[near] = Drawn(np.zeros(len(eyes)), 0, 0)
    cost = cost_of([total(drawn)])
    log.info(
        "%d layers, alpha from %d of 255: %.2f screens blended, at most %.2f",
        cost.draws, threshold, cost.coverage_mean, cost.coverage_p99,
    )  # fmt: skip
    return threshold


def merge_next(layers: LayerImages, projection: Projection, *, threshold: int) -> tuple[int, int] | None:
    """Merges, in place, the two layers that lose least for what they save -> (far, near); None where none save."""
    pair = cheapest_pair(blocks_of(layers, projection, threshold=threshold))
    if pair is not None:
        far, near = pair
        merge_layers(layers, far, near)
        for rgba in layers.rgba:
            rgba[far] = dilate_colour(rgba[far], reach=_COLOUR_REACH)
        log.info("layer %d is merged into layer %d", near, far)
    return pair


def _excess(drawn: list[Drawn], aim: Cost) -> bool:
    return any(name.startswith("coverage") for name in over(cost_of([total(drawn)]), aim))


def _measured(layers: LayerImages, projection: Projection, eyes: Eyes, tolerance: float, threshold: int) -> list[Drawn]:
    return [_drawn(layers, index, projection, eyes, tolerance, threshold) for index in range(layers.rgba.shape[1])]


def _drawn(
    layers: LayerImages, index: int, projection: Projection, eyes: Eyes, tolerance: float, threshold: int
) -> Drawn:
    """What a coarse mesh of one layer blends."""
    mesh = tessellate(
        layers.rgba[:, index],
        layers.disparity[:, index],
        projection,
        tolerance=_COARSE * tolerance,
        config=TessellationConfig(smallest=CUT, cut=CUT, alpha_threshold=threshold),
    )
    return drawn_layer(_placed(mesh), projection, eyes)


def _placed(mesh: Tessellation) -> LayerMesh:
    """The mesh with its rectangles anywhere: nothing is painted."""
    rects = tuple(Rect(x, y, width, height, 0, 0) for x, y, width, height in mesh.rects.tolist())
    return LayerMesh(mesh.points, mesh.disparities, rects, mesh.triangles, mesh.triangle_rect)
