"""Shells by learned descent: swept at the network's coarsest level, and taken through its steps from level to level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.msi import descent_kernels, level_kernels, network_kernels
from encoder.msi.coarse import coarse_picture, coarse_scene
from encoder.msi.components import CHANNELS, gather_components
from encoder.msi.focus import focused
from encoder.msi.kernel_options import CELL
from encoder.msi.network import HALO, LearnedDescent, Step, neighbours
from encoder.msi.scene import Scene
from encoder.msi.sweep import Renewal, SweepConfig, sweep
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats, image_with_weight

_LEAST_ALPHA = 0.03
_TILE = 64  # texels that go through the network together, across and down
_AT_ONCE = 4  # and shells


class NetworkSolver:
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
        self._buffers = StepBuffers.of(scene.shape)

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
            advance(step, scene, targets, now, some, buffers=self._buffers)
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


@dataclass(frozen=True, eq=False)
class StepBuffers:
    """What a step holds beside the shells: memory that is new costs as much as what is written to it.

    components, answer: flat float32, for shells of up to the shape that they were made for.
    """

    components: Floats
    answer: Floats

    @classmethod
    def of(cls, shape: tuple[int, int, int]) -> StepBuffers:
        """Buffers for shells (N, H, W)."""
        count = int(np.prod(shape))
        return cls(np.empty(count * CHANNELS, np.float32), np.empty(count * 4, np.float32))


def advance(
    step: Step,
    scene: Scene,
    targets: Sequence[Floats],
    shells: Floats,
    free: NDArray[np.uint8],
    *,
    buffers: StepBuffers | None = None,
) -> None:
    """One step, in place, where texels (N, H, W) are free.

    Args:
        targets: (P, 4) of each view, from `weighted_targets`.
        shells: (N, H, W, 4).
        buffers: of an earlier call for shells of at least this size, to be used again.
    """
    buffers = buffers or StepBuffers.of(scene.shape)
    alive = find_alive(shells, free)
    new = buffers.answer[: shells.size].reshape(shells.shape)
    total = buffers.components[: 4 * shells.size].reshape(*scene.shape, CHANNELS)
    if step.pool is None:
        network_kernels.clear_live(total, alive)
        _add_views(scene, targets, shells, alive, total)
        network_kernels.step_shells(step, shells, total, alive, free, new)
        return
    with torch.inference_mode():
        total[...] = 0
        pooled = _pooled(step, scene, targets, shells, alive, total)
        new[...] = shells
        if pooled is not None:
            _step_tiles(step, shells, total, pooled, alive, new)
    new[0, ..., 3] = 1
    np.copyto(shells, new, where=(free != 0)[..., None])


def _step_tiles(
    step: Step, shells: Floats, components: Floats, pooled: torch.Tensor, alive: NDArray[np.uint8], out: Floats
) -> None:
    """The step, tile by tile, into `out`, like `shells` (N, H, W, 4)."""
    now, sums = _channels_first(shells), _channels_first(components)
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
                new = step(texels[some], seen[some], beside[some], pooled[tile][some])
                inner = new[..., y - top : down - top, x - left : right - left].permute(0, 2, 3, 1)
                out[some, y:down, x:right] = inner.numpy()


def advanced(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8]
) -> torch.Tensor:
    """One step on all shells (N, H, W, 4) at once: (N, 4, H, W), of which autograd knows how it came about."""
    total = np.zeros((*scene.shape, CHANNELS), np.float32)
    pooled = _pooled(step, scene, targets, shells, alive, total)
    now, sums = _channels_first(shells), _channels_first(total)
    new = step(now, sums, neighbours(now, sums), pooled)
    opaque = torch.cat([new[:1, :3], torch.ones_like(new[:1, 3:])], 1)
    return torch.cat([opaque, new[1:]])


def find_alive(shells: Floats, free: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, bh, bw) blocks of shells (N, H, W, 4) with an alpha worth a look; in the others it becomes 0 where free."""
    alive = np.empty((len(shells), *(-(-size // CELL) for size in shells.shape[1:3])), np.uint8)
    descent_kernels.find_alive(shells, np.float32(_LEAST_ALPHA), free, alive)
    return alive


def _add_views(
    scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8], total: Floats
) -> None:
    """Adds the components of all views to `total` (N, H, W, 16)."""
    for (origin, rays), target in _useful(scene, targets):
        gather_components(shells, scene.disparities, scene.vector, origin, rays, target, alive, total)


def _pooled(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: Floats, alive: NDArray[np.uint8], total: Floats
) -> torch.Tensor | None:
    """As `_add_views`; and what the step's pool makes of the views, if it has one and there are any."""
    if step.pool is None:
        _add_views(scene, targets, shells, alive, total)
        return None
    state = None
    for (origin, rays), target in _useful(scene, targets):
        part = np.zeros_like(total)
        gather_components(shells, scene.disparities, scene.vector, origin, rays, target, alive, part)
        total += part
        state = step.pool(state, _channels_first(part), _channels_first(shells))
    return None if state is None else step.pool.result(state)


def _useful(scene: Scene, targets: Sequence[Floats]) -> Iterator[tuple[tuple[Floats, Floats], Floats]]:
    """Origin and rays, and target (P, 4), of the views that see anything."""
    return ((rays, target) for rays, target in zip(scene.rays, targets, strict=True) if target[:, 3].any())


def _shrunk_free(free: NDArray[np.uint8], level: int, scene: Scene) -> NDArray[np.uint8]:
    if level == 1:
        return free
    out = np.empty(scene.shape, np.uint8)
    level_kernels.shrink_free(free, level, out)
    return out


def _channels_first(values: Floats) -> torch.Tensor:
    """(N, H, W, C) -> (N, C, H, W), without a copy."""
    return torch.from_numpy(values).movedim(-1, 1)
