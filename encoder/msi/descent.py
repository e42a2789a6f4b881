"""The solver by gradient: shells are moved until the source cameras see what they filmed.

Stochastic over the cameras, Adam on straight RGBA, started by the sweep. Free descent overfits (noise on plain walls
that no source camera contradicts), so a texel is held to its neighbours and, weakly, to what the sweep said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.msi import descent_kernels, kernels
from encoder.msi.kernel_options import CELL
from encoder.msi.scene import Scene
from encoder.msi.turns import cosine_fall, turns, weighted_targets
from encoder.msi.views import Floats

F = np.float32


@dataclass(frozen=True)
class DescentConfig:
    """How descent walks.

    Attributes:
        steps: updates of all texels.
        cameras: source cameras of one step, taken in random turns.
        colour_rate, alpha_rate: Adam's step sizes, which fall along a cosine to a tenth.
        smooth_colour, smooth_alpha: pull towards the mean of the four neighbours.
        anchor_colour, anchor_alpha: pull towards the sweep.
        sparse_alpha: pull of every alpha towards 0: what no camera needs goes, and depth gets sharper.
        least_alpha: blocks without such an alpha at the start are taken to be empty.
        seed: of the turns.
    """

    steps: int = 30
    cameras: int = 5
    colour_rate: float = 0.01
    alpha_rate: float = 0.03
    smooth_colour: float = 0.2
    smooth_alpha: float = 0.2
    anchor_colour: float = 0.05
    anchor_alpha: float = 0.05
    sparse_alpha: float = 0.005
    least_alpha: float = 0.03
    seed: int = 0


BETA1, BETA2 = F(0.9), F(0.99)
_FLOOR = 0.1  # of the step sizes, in the end


@dataclass(frozen=True, eq=False)
class DescentBuffers:
    """What descent keeps for each texel beside its RGBA: gradient and its moments (N, H, W, 4) float32, prior uint8."""

    gradient: Floats
    first: Floats
    second: Floats
    prior: NDArray[np.uint8]


def make_buffers(shells: Floats) -> DescentBuffers:
    """Buffers for shells of this shape."""
    return DescentBuffers(
        gradient=np.empty_like(shells),
        first=np.empty_like(shells),
        second=np.empty_like(shells),
        prior=np.empty(shells.shape, np.uint8),
    )


def descend(
    scene: Scene,
    images: Sequence[Floats],
    start: Floats,
    config: DescentConfig | None = None,
    *,
    free: NDArray[np.uint8] | None = None,
    buffers: DescentBuffers | None = None,
    on_step: Callable[[], None] | None = None,
) -> Floats:
    """Refines `start` (N, H, W, 4), which is changed in place and returned.

    Args:
        scene: shells and source cameras.
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight; pixels with weight 0 cost nothing.
        free: (N, H, W) uint8 texels that may change; None for all.
        buffers: of an earlier call for shells of this shape, to be used again.
        on_step: is called after each step.
    """
    config = config or DescentConfig()
    shells = start
    buffers = buffers or make_buffers(shells)
    gradient, first, second, prior = buffers.gradient, buffers.first, buffers.second, buffers.prior
    blocks = (len(shells), *(-(-size // CELL) for size in shells.shape[1:3]))
    free = np.ones(shells.shape[:3], np.uint8) if free is None else free
    alive = np.empty(blocks, np.uint8)
    descent_kernels.find_alive(shells, F(config.least_alpha), free, alive)
    descent_kernels.begin(shells, gradient, first, second, prior)
    rates = np.array([config.colour_rate] * 3 + [config.alpha_rate], np.float32)
    smooth = np.array([config.smooth_colour] * 3 + [config.smooth_alpha], np.float32)
    anchor = np.array([config.anchor_colour] * 3 + [config.anchor_alpha], np.float32)
    targets = weighted_targets(scene, images)
    useful = [index for index, target in enumerate(targets) if target[:, 3].any()]
    if not useful:
        return shells
    chosen = turns(useful, count=config.cameras, steps=config.steps, seed=config.seed)
    for step, now in enumerate(chosen, 1):
        for index in now:
            origin, rays = scene.rays[index]
            kernels.gradient(shells, scene.disparities, scene.vector, origin, rays, targets[index], gradient, alive)
        fall = cosine_fall(step, config.steps, floor=_FLOOR)
        descent_kernels.update(
            shells,
            gradient,
            first,
            second,
            prior,
            alive,
            free,
            rates * F(fall),
            smooth,
            anchor,
            F(config.sparse_alpha),
            BETA1,
            BETA2,
            F(step),
        )
        if on_step is not None:
            on_step()
    return shells
