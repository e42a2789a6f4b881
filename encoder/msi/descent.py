"""The solver by gradient: shells are moved until the source cameras see what they filmed.

Stochastic over the cameras, Adam on straight RGBA, started by the sweep. Free descent overfits (noise on plain walls that no source
camera contradicts), so a texel is held to its neighbours and, weakly, to what the sweep said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.msi import descent_kernels, kernels
from encoder.msi.scene import Scene
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
        seed: of the turns.
    """

    steps: int = 40
    cameras: int = 5
    colour_rate: float = 0.01
    alpha_rate: float = 0.03
    smooth_colour: float = 0.05
    smooth_alpha: float = 0.05
    anchor_colour: float = 0.05
    anchor_alpha: float = 0.05
    seed: int = 0


BETA1, BETA2 = F(0.9), F(0.99)


def descend(
    scene: Scene,
    images: Sequence[Floats],
    start: Floats,
    config: DescentConfig | None = None,
    *,
    active: NDArray[np.bool_] | None = None,
    on_step: Callable[[], None] | None = None,
) -> Floats:
    """Refines `start` (N, H, W, 4), which is changed in place and returned.

    Args:
        scene: shells and source cameras.
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight; pixels with weight 0 cost nothing.
        active: (N, H, W) texels that may change; None for all.
        on_step: is called after each step.
    """
    config = config or DescentConfig()
    shells = start
    prior = (shells * F(255) + F(0.5)).astype(np.uint8)
    gradient, first, second = (np.zeros_like(shells) for _ in range(3))
    frozen = np.zeros((1, 1, 1), np.uint8) if active is None else (~active).view(np.uint8)
    rates = np.array([config.colour_rate] * 3 + [config.alpha_rate], np.float32)
    smooth = np.array([config.smooth_colour] * 3 + [config.smooth_alpha], np.float32)
    anchor = np.array([config.anchor_colour] * 3 + [config.anchor_alpha], np.float32)
    targets = []
    for image, weight in zip(images, scene.weights, strict=True):
        target = image.reshape(-1, 4).copy()
        target[:, 3] *= weight
        targets.append(target)
    useful = [index for index, target in enumerate(targets) if target[:, 3].any()]
    if not useful:
        return shells
    rng = np.random.default_rng(config.seed)
    turns: list[int] = []
    for step in range(1, config.steps + 1):
        while len(turns) < min(config.cameras, len(useful)):
            turns += [useful[index] for index in rng.permutation(len(useful))]
        now, turns = turns[: config.cameras], turns[config.cameras :]
        for index in now:
            origin, rays = scene.rays[index]
            kernels.gradient(shells, scene.disparities, scene.vector, origin, rays, targets[index], gradient)
        fall = 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * (step - 1) / config.steps))
        descent_kernels.update(
            shells, gradient, first, second, prior, frozen, rates * F(fall), smooth, anchor, BETA1, BETA2, F(step)
        )
        if on_step is not None:
            on_step()
    return shells
