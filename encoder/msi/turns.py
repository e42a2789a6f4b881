"""What the gradient solvers share: pictures as targets of the kernels, and cameras in random turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from encoder.msi.scene import Scene
from encoder.msi.views import Floats


def weighted_targets(scene: Scene, images: Sequence[Floats]) -> list[Floats]:
    """(P, 4) float32 of each view: colour, and the image's weight times that of the scene.

    Args:
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight.
    """
    targets = []
    for image, weight in zip(images, scene.weights, strict=True):
        target = image.reshape(-1, 4).copy()
        target[:, 3] *= weight
        targets.append(target)
    return targets


def turns(cameras: Sequence[int], *, count: int, steps: int, seed: int) -> Iterator[list[int]]:
    """For each step the next `count` cameras, or all where there are fewer; each has its turn before any has two."""
    rng = np.random.default_rng(seed)
    waiting: list[int] = []
    for _ in range(steps):
        while len(waiting) < min(count, len(cameras)):
            waiting += [cameras[index] for index in rng.permutation(len(cameras))]
        yield waiting[:count]
        waiting = waiting[count:]


def cosine_fall(step: int, steps: int, *, floor: float) -> float:
    """The share of a step size at step 1, 2, ... of `steps`: from 1 along half a cosine towards `floor`."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - 1) / steps))
