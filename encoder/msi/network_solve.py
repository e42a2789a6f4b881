"""Shells by learned descent: swept at the network's coarsest level, and taken through its steps from level to level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.msi import descent_kernels, level_kernels, network_kernels, torch_steps
from encoder.msi.coarse import coarse_picture, coarse_scene
from encoder.msi.components import CHANNELS, gather_components
from encoder.msi.focus import focused
from encoder.msi.kernel_options import CELL
from encoder.msi.network import LearnedDescent, Step
from encoder.msi.scene import Scene
from encoder.msi.sweep import Renewal, SweepConfig, sweep
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats, image_with_weight

_LEAST_ALPHA = 0.1
CPU = torch.device("cpu")


class NetworkSolver:
    """Solves the shells of one window, frame by frame."""

    def __init__(
        self, network: LearnedDescent, scene: Scene, start: SweepConfig, device: torch.device | None = None
    ) -> None:
        """Prepare.

        Args:
            network: its steps.
            scene: shells and source cameras at full resolution.
            start: how the coarsest level is swept.
            device: where it computes; None for the CUDA device, where there is one.
        """
        self._device = device or torch_steps.best_device()
        self._network = network if self._device.type == "cpu" else deepcopy(network).to(self._device)
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
            advance(step, scene, targets, now, some, device=self._device, buffers=self._buffers)
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
    device: torch.device = CPU,
    buffers: StepBuffers | None = None,
) -> None:
    """One step, in place, where texels (N, H, W) are free.

    Args:
        step: on the device.
        targets: (P, 4) of each view, from `weighted_targets`; those without any weight are left out.
        shells: (N, H, W, 4).
        buffers: of an earlier call for shells of at least this size, to be used again.
    """
    alive = find_alive(shells, free)
    if step.pool is not None or device.type != "cpu":
        with torch.inference_mode(), torch_steps.within_memory(device):
            now = torch.from_numpy(shells).movedim(-1, 1).to(device)
            new = torch_steps.stepped(step, now, *torch_steps.gathered(step, scene, targets, now, alive), alive)
        np.copyto(shells, new.movedim(1, -1).cpu().numpy(), where=(free != 0)[..., None])
        return
    buffers = buffers or StepBuffers.of(scene.shape)
    total = buffers.components[: 4 * shells.size].reshape(*scene.shape, CHANNELS)
    network_kernels.clear_live(total, alive)
    for (origin, rays), target in zip(scene.rays, targets, strict=True):
        if target[:, 3].any():
            gather_components(shells, scene.disparities, scene.vector, origin, rays, target, alive, total)
    scratch = buffers.answer[: shells.size].reshape(shells.shape)
    network_kernels.step_shells(step, shells, total, alive, free, scratch)


def find_alive(shells: Floats, free: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, bh, bw) blocks of shells (N, H, W, 4) with an alpha worth a look; in the others it becomes 0 where free."""
    alive = np.empty((len(shells), *(-(-size // CELL) for size in shells.shape[1:3])), np.uint8)
    descent_kernels.find_alive(shells, np.float32(_LEAST_ALPHA), free, alive)
    return alive


def _shrunk_free(free: NDArray[np.uint8], level: int, scene: Scene) -> NDArray[np.uint8]:
    if level == 1:
        return free
    out = np.empty(scene.shape, np.uint8)
    level_kernels.shrink_free(free, level, out)
    return out
