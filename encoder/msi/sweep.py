"""The solver without learning: robust photo-consistency of the nearest cameras over the shells, with soft visibility.

Costs are gathered along rows and columns and become alphas by a softmax seen from the origin; a second pass knows which
cameras were hidden (Soft3D, Penner and Zhang 2017, section 5, but with one expected depth per camera, no vote volumes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.msi import path_kernels, sweep_kernels
from encoder.msi.scene import CHOICE_BLOCK, GRID_STRIDE, Scene, choose_views, count_views, render_view, stack_images
from encoder.msi.views import Floats

F = np.float32


@dataclass(frozen=True)
class SweepConfig:
    """How the sweep weighs its evidence.

    Attributes:
        cameras: source cameras of a texel.
        temperature: of the softmax over costs; a cost is the colours' variance summed over channels, sRGB in 0..1.
        radius: costs are averaged over (2 radius + 1)^2 texels.
        wide_radius, wide_share: part of the cost is averaged over a larger square, which tells plain things' depth.
        passes: the first one knows nothing of visibility.
        softness: shells over which visibility fades behind what a camera sees.
        unseen: cost of a texel that fewer than two cameras see.
        most: no texel costs more, so that what no depth explains does not outvote its surroundings.
        bend, jump: cost of neighbours that lie one shell or more apart, shared by the cameras of a texel: the more of
            them tell its depth, the less its surroundings do. jump 0 leaves every texel to itself.
        plain: how costs are averaged, gathered and weighed where this leaves the depth open, as on plain walls.
        few, many: shells among which a depth is open, to where `plain` has no say and from where it has all.
        least_views: where fewer cameras look, `plain` has all the say: two or three agree by chance in many places.
    """

    cameras: int = 8
    temperature: float = 0.0005
    radius: int = 1
    wide_radius: int = 6
    wide_share: float = 0.5
    passes: int = 2
    softness: float = 4.0
    unseen: float = 0.02
    most: float = 0.05
    bend: float = 0.04
    jump: float = 0.8
    plain: SweepConfig | None = None
    few: float = 4.0
    many: float = 12.0
    least_views: int = 5


def sweep(
    scene: Scene,
    images: Sequence[Floats],
    config: SweepConfig | None = None,
    *,
    renewing: Renewal | None = None,
) -> Floats:
    """Solves one frame.

    Args:
        scene: shells and source cameras.
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight.
        renewing: what is known of the frame before; its shells are returned, changed in place where texels are free.

    Returns:
        (N, H, W, 4) float32 straight RGBA in 0..1; the farthest shell is opaque.
    """
    config = config or SweepConfig()
    renewing = renewing or fresh(scene)
    shells, costs, free = renewing.shells, renewing.costs, renewing.free
    stack = stack_images(scene.views, images)
    chosen = choose_views(scene, config.cameras)
    plain = config.plain
    unsure = None if plain is None else (count_views(scene) < config.least_views).astype(np.uint8)
    scratch = tuple(np.empty(scene.shape, np.float32) for _ in range(3 if plain is None else 4))
    depths = np.full(stack.shape[:3], -1, np.float32)
    step = float(np.ptp(scene.disparities)) / max(1, len(scene.disparities) - 1)
    for turn in range(config.passes):
        sweep_kernels.consistency(
            stack,
            scene.grids,
            GRID_STRIDE,
            chosen,
            CHOICE_BLOCK,
            scene.disparities,
            depths,
            F(max(config.softness * step, 1e-9)),
            F(config.unseen),
            free,
            shells,
            costs,
        )
        gathered = _gathered(costs, config, len(scene.views), scratch[:3])
        sweep_kernels.costs_to_alpha(gathered, F(config.temperature), free, shells)
        if plain is not None:
            wider = _gathered(costs, plain, len(scene.views), (*scratch[:2], scratch[3]))
            temperatures, bounds = (F(config.temperature), F(plain.temperature)), (F(config.few), F(config.many))
            sweep_kernels.settle_open(gathered, wider, temperatures, bounds, unsure, CHOICE_BLOCK, free, shells)
        if turn + 1 < config.passes:
            for view, depth in zip(scene.views, depths, strict=True):
                depth[: view.model.height, : view.model.width] = render_view(scene, shells, view)[1]
    return shells


def _gathered(costs: Floats, config: SweepConfig, cameras: int, scratch: tuple[Floats, ...]) -> Floats:
    """Costs (N, H, W) with those of their surroundings, in the last of three arrays like them."""
    running, averaged, out = scratch
    sweep_kernels.box_blur(costs, config.radius, running, averaged)
    if config.wide_radius > 0 and config.wide_share > 0:
        sweep_kernels.box_blur(costs, config.wide_radius, running, out)
        out -= averaged
        out *= F(config.wide_share)
        averaged += out
    if config.jump <= 0:
        out[...] = averaged
        return out
    n = max(1, min(config.cameras, cameras))
    small, large = F(config.bend / n**2), F(config.jump / n**2)
    path_kernels.gather_rows(averaged, F(config.most), small, large, out)
    path_kernels.gather_columns(averaged, F(config.most), small, large, out)
    return out


@dataclass(frozen=True, eq=False)
class Renewal:
    """What a sweep goes on from.

    Attributes:
        shells: (N, H, W, 4) float32.
        costs: (N, H, W) float32 of the last sweep, before they were averaged.
        free: (N, H, W) uint8 texels that are solved anew.
    """

    shells: Floats
    costs: Floats
    free: NDArray[np.uint8]


def fresh(scene: Scene) -> Renewal:
    """Nothing is known yet: all texels are free."""
    return Renewal(
        np.empty((*scene.shape, 4), np.float32),
        np.empty(scene.shape, np.float32),
        np.ones(scene.shape, np.uint8),
    )


def visible_histogram(shells: Floats) -> Floats:
    """(N,) share of the view from the origin that each shell of (N, H, W, 4) makes up; sums to at most 1."""
    transmittance = np.ones(shells.shape[1:3], np.float32)
    out = np.empty(len(shells), np.float32)
    for i in reversed(range(len(shells))):
        weight = transmittance * shells[i, ..., 3]
        out[i] = weight.mean()
        transmittance -= weight
    return out
