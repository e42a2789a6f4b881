"""Learned descent of a scene's shells: the components of all views, and steps of the network on a few shells a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.msi import descent_kernels
from encoder.msi.components import GROUPS, gather_components
from encoder.msi.kernel_options import CELL
from encoder.msi.network import LearnedDescent, Step
from encoder.msi.scene import Scene
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats
from encoder.msi.weights_file import read_weights

SHIPPED = Path(__file__).parent / "weights" / "network.safetensors"
_LEAST_ALPHA = 0.03
_AT_ONCE = 4  # shells that go through the network together


@lru_cache(maxsize=2)
def loaded(weights: Path) -> LearnedDescent:
    """The network of a file, read once. Raises FormatError, StorageError."""
    return read_weights(weights)[0]


def improve(
    network: LearnedDescent,
    scene: Scene,
    images: Sequence[Floats],
    shells: Floats,
    *,
    free: NDArray[np.uint8] | None = None,
    on_step: Callable[[], None] | None = None,
) -> Floats:
    """Takes `shells` (N, H, W, 4) float32 straight RGBA through all steps, in place, and returns them.

    Args:
        images: (height, width, 4) float32 of each view: sRGB in 0..1 and weight.
        free: (N, H, W) uint8 texels that may change; None for all.
        on_step: is called after each step.
    """
    targets = weighted_targets(scene, images)
    alive = find_alive(shells, free)
    new = np.empty_like(shells)
    with torch.inference_mode():
        for step in network.steps:
            assert isinstance(step, Step)
            components, pooled = joined(step, scene, targets, shells, alive)
            now, sums = _channels_first(shells), _channels_first(components)
            for first in range(0, len(shells), _AT_ONCE):
                low, high = max(0, first - 1), min(len(shells), first + _AT_ONCE + 1)
                out = step(
                    now[low:high], sums[:, low:high], None if pooled is None else pooled[low:high], opaque=low == 0
                )
                end = min(len(shells), first + _AT_ONCE)
                new[first:end] = out[first - low : end - low].permute(0, 2, 3, 1).numpy()
            np.copyto(shells, new, where=True if free is None else (free != 0)[..., None])
            if on_step is not None:
                on_step()
    return shells


def advanced(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8]
) -> torch.Tensor:
    """One step on all shells (N, H, W, 4) at once: (N, 4, H, W), of which autograd knows how it came about."""
    components, pooled = joined(step, scene, targets, shells, alive)
    return step(_channels_first(shells), _channels_first(components), pooled, opaque=True)  # type: ignore[no-any-return]


def find_alive(shells: Floats, free: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """(N, bh, bw) blocks of shells (N, H, W, 4) with an alpha worth a look; in the others it becomes 0 where free."""
    alive = np.empty((len(shells), *(-(-size // CELL) for size in shells.shape[1:3])), np.uint8)
    free = np.ones(shells.shape[:3], np.uint8) if free is None else free
    descent_kernels.find_alive(shells, np.float32(_LEAST_ALPHA), free, alive)
    return alive


def joined(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8]
) -> tuple[Floats, torch.Tensor | None]:
    """The components (4, N, H, W, 4) of shells (N, H, W, 4), summed over views, and what the step's pool makes of them.

    Args:
        targets: (P, 4) of each view, from `weighted_targets`; those without any weight are left out.
    """
    total = np.zeros((GROUPS, *shells.shape), np.float32)
    state = None
    for (origin, rays), target in zip(scene.rays, targets, strict=True):
        if not target[:, 3].any():
            continue
        part = total if step.pool is None else np.zeros_like(total)
        gather_components(shells, scene.disparities, scene.vector, origin, rays, target, alive, part)
        if step.pool is not None:
            total += part
            state = step.pool(state, _channels_first(part), _channels_first(shells))
    return total, None if step.pool is None or state is None else step.pool.result(state)


def _channels_first(values: Floats) -> torch.Tensor:
    """(..., H, W, C) -> (..., C, H, W), without a copy."""
    return torch.from_numpy(values).movedim(-1, -3)
