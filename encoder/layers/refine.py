"""Refinement through what is shown: after the collapse, layers are moved until the source cameras see what they filmed.

The few layers of a show are much less work than the shells they were made of, and their surfaces lie at any disparity,
not at those of shells. Colour, alpha and disparity of every texel follow the gradient of the renderer (Adam), held to
their neighbours; stochastic over the cameras. As render-and-refine in Quark (Flynn et al. 2024), without learning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.layers import refine_kernels
from encoder.msi import descent_kernels
from encoder.msi.kernel_options import CELL
from encoder.msi.scene import Scene
from encoder.msi.turns import cosine_fall, turns, weighted_targets
from encoder.msi.views import Floats, View, rays_in, window_vector
from protocol.projection import Projection

F = np.float32
BETA1, BETA2 = 0.9, 0.99


@dataclass(frozen=True)
class RefineConfig:
    """How refinement walks.

    Attributes:
        steps: updates of all texels.
        cameras: source cameras of one step, in random turns; a larger rig takes the share `least_share` of its own.
        colour_rate, alpha_rate: Adam's step sizes; they fall along a cosine to the share `floor`.
        disparity_rate: likewise, in shares of a layer's range.
        smooth_colour, smooth_alpha, smooth_disparity: pull towards the mean of the four neighbours.
        anchor_colour, anchor_alpha: pull towards what the shells said: the little light that comes through what is all
            but opaque must not drive the colours behind it to extremes.
        least_alpha: blocks without such an alpha at the start are taken to be empty.
        seed: of the turns.
    """

    steps: int = 30
    cameras: int = 5
    least_share: float = 1 / 6
    colour_rate: float = 0.02
    alpha_rate: float = 0.03
    disparity_rate: float = 0.02
    floor: float = 0.02
    smooth_colour: float = 0.4
    smooth_alpha: float = 0.5
    smooth_disparity: float = 1.0
    anchor_colour: float = 0.03
    anchor_alpha: float = 0.02
    least_alpha: float = 0.02
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Layers as height fields.

    Attributes:
        layers: (L, H, W, 4) float32 straight RGBA in 0..1, index 0 farthest.
        disparity: (L, H, W) float32, 1/metre.
        borders: (L + 1,) float32: layer l keeps between borders l and l + 1.
    """

    layers: Floats
    disparity: Floats
    borders: Floats


@dataclass(frozen=True, eq=False)
class RefineBuffers:
    """What refinement keeps beside the layers: gradients, their moments, and what alpha is held to."""

    slope: Floats
    first: Floats
    second: Floats
    prior: NDArray[np.uint8]
    depth_slope: Floats
    depth_first: Floats
    depth_second: Floats


# RGBA with gradient, two moments and prior; disparity without a prior.
BYTES_PER_TEXEL = 4 * 16 + 4 + 4 * 4


def make_buffers(surfaces: Surfaces) -> RefineBuffers:
    """Buffers for surfaces of this shape."""
    like, depth = surfaces.layers, surfaces.disparity
    return RefineBuffers(
        np.empty_like(like),
        np.empty_like(like),
        np.empty_like(like),
        np.empty(like.shape, np.uint8),
        np.empty_like(depth),
        np.empty_like(depth),
        np.empty_like(depth),
    )


def surface_borders(borders: NDArray[np.int64], disparities: Floats) -> Floats:
    """(L + 1,) disparities between which each layer may lie: halfway between the shells of neighbouring layers."""
    inner = borders[1:-1]
    middles = 0.5 * (disparities[inner - 1] + disparities[inner])
    return np.concatenate([disparities[:1], middles, disparities[-1:]]).astype(np.float32)


def render_surfaces(surfaces: Surfaces, window: Projection, view: View) -> Floats:
    """The layers of a window in any camera: (height, width, 4) float32 premultiplied RGBA."""
    origin, rays, _ = rays_in(view, window)
    out = np.empty((rays.shape[1], 4), np.float32)
    expected = np.empty(rays.shape[1], np.float32)
    vector = window_vector(window)
    refine_kernels.render(surfaces.layers, surfaces.disparity, surfaces.borders, vector, origin, rays, out, expected)
    return out.reshape(view.model.height, view.model.width, 4)


def refine(
    scene: Scene,
    images: Sequence[Floats],
    surfaces: Surfaces,
    config: RefineConfig,
    *,
    free: NDArray[np.uint8] | None = None,
    buffers: RefineBuffers | None = None,
    on_step: Callable[[], None] | None = None,
) -> None:
    """Moves `surfaces`, in place; the farthest layer stays opaque.

    Args:
        scene: window and source cameras at full resolution; its disparities are not used.
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight; pixels with weight 0 cost nothing.
        free: (L, H, W) uint8 texels that may change; None for all.
        buffers: of an earlier call for surfaces of this shape, to be used again.
        on_step: is called after each step.
    """
    layers, disparity, borders = surfaces.layers, surfaces.disparity, surfaces.borders
    b = buffers or make_buffers(surfaces)
    blocks = (len(layers), *(-(-size // CELL) for size in layers.shape[1:3]))
    free = np.ones(disparity.shape, np.uint8) if free is None else free
    alive = np.empty(blocks, np.uint8)
    layers[0, ..., 3] = 1.0
    descent_kernels.find_alive(layers, F(config.least_alpha), free, alive)
    descent_kernels.begin(layers, b.slope, b.first, b.second, b.prior)
    for zero in (b.depth_slope, b.depth_first, b.depth_second):
        zero.fill(0)
    rates = np.array([config.colour_rate] * 3 + [config.alpha_rate], np.float32)
    smooth = np.array([config.smooth_colour] * 3 + [config.smooth_alpha], np.float32)
    anchor = np.array([config.anchor_colour] * 3 + [config.anchor_alpha], np.float32)
    targets = weighted_targets(scene, images)
    useful = [index for index, target in enumerate(targets) if target[:, 3].any()]
    if not useful:
        return
    count = max(config.cameras, math.ceil(config.least_share * len(useful)))
    for step, now in enumerate(turns(useful, count=count, steps=config.steps, seed=config.seed), 1):
        for index in now:
            origin, rays = scene.rays[index]
            refine_kernels.gradient(
                layers, disparity, borders, scene.vector, origin, rays, targets[index], alive, b.slope, b.depth_slope
            )
        fall = cosine_fall(step, config.steps, floor=config.floor)
        descent_kernels.update(
            layers,
            b.slope,
            b.first,
            b.second,
            b.prior,
            alive,
            free,
            rates * F(fall),
            smooth,
            anchor,
            F(0),
            F(BETA1),
            F(BETA2),
            F(step),
        )
        root = math.sqrt(1 - BETA2**step)
        rate = config.disparity_rate * fall * root / (1 - BETA1**step)
        epsilon = descent_kernels.EPSILON * root
        refine_kernels.update_disparity(
            disparity,
            layers,
            b.depth_slope,
            b.depth_first,
            b.depth_second,
            alive,
            free,
            borders,
            np.array([rate, config.smooth_disparity, BETA1, 1 - BETA1, BETA2, 1 - BETA2, epsilon], np.float32),
        )
        if on_step is not None:
            on_step()
