"""Shells by learned descent: swept at the network's coarsest level, and taken through its steps from level to level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.msi import descent_kernels, level_kernels
from encoder.msi.coarse import coarse_picture, coarse_scene
from encoder.msi.components import CHANNELS, gather_components
from encoder.msi.focus import focused
from encoder.msi.kernel_options import CELL
from encoder.msi.network import HALO, LearnedDescent, Step, neighbours
from encoder.msi.scene import Scene
from encoder.msi.sweep import Renewal, SweepConfig, sweep
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats, image_with_weight
from encoder.msi.weights_file import read_weights

SHIPPED = Path(__file__).parent / "weights" / "network.safetensors"
_LEAST_ALPHA = 0.03
_TILE = 64  # texels that go through the network together, across and down
_AT_ONCE = 4  # and shells


@lru_cache(maxsize=2)
def loaded(weights: Path) -> LearnedDescent:
    """The network of a file, read once. Raises FormatError, StorageError."""
    return read_weights(weights)[0]


class LearnedSolver:
    """Solves the shells of one window, frame by frame."""

    def __init__(self, network: LearnedDescent, scene: Scene, start: SweepConfig) -> None:
        """Prepare.

        Args:
            network: its steps.
            scene: shells and source cameras at full resolution.
            start: how the coarsest level is swept.
        """
        self._network = network
        self._start = start
        self._scenes = {level: coarse_scene(scene, level) for level in {1, *network.config.levels}}
        first = self._scenes[network.config.levels[0]]
        self._costs: Floats = np.empty(first.shape, np.float32)
        self._renewing = False

    def solve(
        self,
        images: Mapping[str, NDArray[np.uint8]],
        shells: Floats,
        *,
        free: NDArray[np.uint8] | None = None,
        on_level: Callable[[int, Scene, Floats], None] | None = None,
    ) -> None:
        """Writes `shells` (N, H, W, 4) float32 straight RGBA.

        Args:
            images: (height, width, 3) uint8 sRGB by the views' names, of those that see anything.
            shells: of the frame before, where only texels that are `free`, (N, H, W) uint8, are solved anew.
            on_level: hears of the level, its scene and its shells (N, h, w, 4): of the start, and after each step.
        """
        now, level = shells, 0
        all_free = np.ones(shells.shape[:3], np.uint8) if free is None else free
        for wanted, step in self._network.by_level():
            scene = self._scenes[wanted]
            if wanted != level:
                pictures = pictures_of(scene, images, wanted)
                some = _shrunk_free(all_free, wanted, scene)
                fine = shells if wanted == 1 else np.empty((*scene.shape, 4), np.float32)
                if wanted > 1 and free is not None:
                    level_kernels.shrink(shells, wanted, fine)
                if level == 0:
                    sweep(scene, pictures, self._start, renewing=Renewal(fine, self._costs, some))
                else:
                    level_kernels.grow(now, level // wanted, some, fine)
                if on_level is not None and level == 0:
                    on_level(wanted, scene, fine)
                targets = weighted_targets(scene, pictures if free is None else focused(scene, pictures, some))
                now, level = fine, wanted
            advance(step, scene, targets, now, some)
            if on_level is not None:
                on_level(level, scene, now)
        if level > 1:
            level_kernels.grow(now, level, all_free, shells)


def pictures_of(scene: Scene, images: Mapping[str, NDArray[np.uint8]], level: int) -> list[Floats]:
    """(h, w, 4) float32 of each view of a scene at this level: colour and weight, 0 where there is no image."""
    small = {name: coarse_picture(image, level) for name, image in images.items()}
    return [image_with_weight(view, small.get(view.name)) for view in scene.views]


def grown(shells: Floats, level: int, shape: tuple[int, int, int]) -> Floats:
    """Shells (N, h, w, 4) whose texels are `level` times as large, in the shape (N, H, W)."""
    out = np.empty((*shape, 4), np.float32)
    level_kernels.grow(shells, level, np.ones(shape, np.uint8), out)
    return out


def advance(step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, free: NDArray[np.uint8]) -> None:
    """One step, in place, where texels (N, H, W) are free; only tiles in which there is something go through it.

    Args:
        targets: (P, 4) of each view, from `weighted_targets`.
        shells: (N, H, W, 4).
    """
    with torch.inference_mode():
        alive = find_alive(shells, free)
        components, pooled = joined(step, scene, targets, shells, alive)
        now, sums = _channels_first(shells), _channels_first(components)
        new = np.array(shells)
        height, width = shells.shape[1:3]
        for y in range(0, height, _TILE):
            for x in range(0, width, _TILE):
                down, right = min(height, y + _TILE), min(width, x + _TILE)
                blocks = alive[:, y // CELL : -(-down // CELL), x // CELL : -(-right // CELL)]
                top, left = max(0, y - HALO), max(0, x - HALO)
                tile = (..., slice(top, down + HALO), slice(left, right + HALO))
                texels, seen = now[tile].contiguous(), sums[tile].contiguous()
                beside = neighbours(texels, seen)
                live = np.flatnonzero(blocks.any(axis=(1, 2)))
                for some in (live[k : k + _AT_ONCE] for k in range(0, len(live), _AT_ONCE)):
                    out = step(texels[some], seen[some], beside[some], None if pooled is None else pooled[tile][some])
                    inner = out[..., y - top : down - top, x - left : right - left].permute(0, 2, 3, 1)
                    new[some, y:down, x:right] = inner.numpy()
        new[0, ..., 3] = 1
        np.copyto(shells, new, where=(free != 0)[..., None])


def advanced(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8]
) -> torch.Tensor:
    """One step on all shells (N, H, W, 4) at once: (N, 4, H, W), of which autograd knows how it came about."""
    components, pooled = joined(step, scene, targets, shells, alive)
    now, sums = _channels_first(shells), _channels_first(components)
    new = step(now, sums, neighbours(now, sums), pooled)
    opaque = torch.cat([new[:1, :3], torch.ones_like(new[:1, 3:])], 1)
    return torch.cat([opaque, new[1:]])


def find_alive(shells: Floats, free: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, bh, bw) blocks of shells (N, H, W, 4) with an alpha worth a look; in the others it becomes 0 where free."""
    alive = np.empty((len(shells), *(-(-size // CELL) for size in shells.shape[1:3])), np.uint8)
    descent_kernels.find_alive(shells, np.float32(_LEAST_ALPHA), free, alive)
    return alive


def joined(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8]
) -> tuple[Floats, torch.Tensor | None]:
    """The components (N, H, W, 16) of shells (N, H, W, 4), summed over views, and what the step's pool makes of them.

    Args:
        targets: (P, 4) of each view, from `weighted_targets`; those without any weight are left out.
    """
    total = np.zeros((*shells.shape[:3], CHANNELS), np.float32)
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


def _shrunk_free(free: NDArray[np.uint8], level: int, scene: Scene) -> NDArray[np.uint8]:
    if level == 1:
        return free
    out = np.empty(scene.shape, np.uint8)
    level_kernels.shrink_free(free, level, out)
    return out


def _channels_first(values: Floats) -> torch.Tensor:
    """(N, H, W, C) -> (N, C, H, W), without a copy."""
    return torch.from_numpy(values).movedim(-1, 1)
