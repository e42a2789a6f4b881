"""A step of learned descent in torch: where pictures of views are pooled, on CUDA, and for training.

On CUDA the components are torch's too, and the network computes in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.msi import torch_components
from encoder.msi.components import CHANNELS, gather_components
from encoder.msi.kernel_options import CELL
from encoder.msi.network import HALO, Step, neighbours
from encoder.msi.scene import Scene
from encoder.msi.views import Floats

_TILE = 64  # texels that go through the network together, across and down
_AT_ONCE = {"cpu": 4, "cuda": 64}  # and shells


def best_device() -> torch.device:
    """The CUDA device, where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def low_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 for what a network computes on CUDA."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@contextmanager
def within_memory(device: torch.device) -> Iterator[None]:
    """Says, as MemoryError, when what is inside does not fit into the device's memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        mend = "a smaller --memory makes smaller windows, CUDA_VISIBLE_DEVICES= hides the device"
        raise MemoryError(f"on {device}: {mend}") from error


def gathered(
    step: Step,
    scene: Scene,
    targets: Sequence[Floats],
    shells: torch.Tensor,
    alive: NDArray[np.uint8],
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Components (N, 16, H, W) of shells (N, 4, H, W), summed over views, and what the step's pool makes of them.

    On the shells' device, 0 in blocks that are not live. targets: (P, 4) of each view, from `weighted_targets`; without
    any weight it is left out.
    """
    live = _live_texels(alive, shells)
    total = torch.zeros(len(shells), CHANNELS, *shells.shape[2:], device=shells.device)
    texels = None if shells.is_cuda else np.ascontiguousarray(shells.detach().movedim(1, -1).numpy())
    state = None
    for (origin, rays), target in zip(scene.rays, targets, strict=True):
        if not target[:, 3].any():
            continue
        if texels is None:
            part = _on_device(scene, origin, rays, target, shells, live)
        else:
            part = _by_kernel(scene, origin, rays, target, texels, alive)
        part = part * live
        total += part
        if step.pool is not None:
            state = step.pool(state, part, shells)
    return total, None if step.pool is None else step.pool.result(state, shells)


def stepped(
    step: Step, shells: torch.Tensor, components: torch.Tensor, pooled: torch.Tensor | None, alive: NDArray[np.uint8]
) -> torch.Tensor:
    """The shells (N, 4, H, W) after the step, tile by tile, so that memory is bounded; tiles without anything stay."""
    out = shells.clone(memory_format=torch.contiguous_format)
    height, width = shells.shape[2:]
    at_once = _AT_ONCE[shells.device.type]
    for y in range(0, height, _TILE):
        for x in range(0, width, _TILE):
            down, right = min(height, y + _TILE), min(width, x + _TILE)
            blocks = alive[:, y // CELL : -(-down // CELL), x // CELL : -(-right // CELL)]
            top, left = max(0, y - HALO), max(0, x - HALO)
            tile = (..., slice(top, down + HALO), slice(left, right + HALO))
            texels, seen = shells[tile].contiguous(), components[tile].contiguous()
            beside = neighbours(texels, seen)
            live = np.flatnonzero(blocks.any(axis=(1, 2)))
            for some in (live[k : k + at_once] for k in range(0, len(live), at_once)):
                with low_precision(shells.device):
                    new = step(texels[some], seen[some], beside[some], None if pooled is None else pooled[tile][some])
                out[some, :, y:down, x:right] = new[..., y - top : down - top, x - left : right - left].to(out.dtype)
    out[0, 3] = 1
    return out


def advanced(
    step: Step, scene: Scene, targets: Sequence[Floats], shells: torch.Tensor, alive: NDArray[np.uint8]
) -> torch.Tensor:
    """One step on all shells (N, 4, H, W) at once, of which autograd knows how it came about."""
    components, pooled = gathered(step, scene, targets, shells, alive)
    with low_precision(shells.device):
        new = step(shells, components, neighbours(shells, components), pooled).float()
    opaque = torch.cat([new[:1, :3], torch.ones_like(new[:1, 3:])], 1)
    return torch.cat([opaque, new[1:]])


def _by_kernel(
    scene: Scene, origin: Floats, rays: Floats, target: Floats, texels: Floats, alive: NDArray[np.uint8]
) -> torch.Tensor:
    part = np.zeros((*scene.shape, CHANNELS), np.float32)
    gather_components(texels, scene.disparities, scene.vector, origin, rays, target, alive, part)
    return torch.from_numpy(part).movedim(-1, 1)


def _on_device(
    scene: Scene, origin: Floats, rays: Floats, target: Floats, shells: torch.Tensor, live: torch.Tensor
) -> torch.Tensor:
    lists = (scene.disparities, scene.vector, origin, rays, target)
    disparities, window, at, directions, wanted = (torch.from_numpy(values).to(shells.device) for values in lists)
    return torch_components.gather_components(shells.detach(), disparities, window, at, directions, wanted, live)


def _live_texels(alive: NDArray[np.uint8], shells: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W): 1 in live blocks."""
    blocks = torch.from_numpy(alive).to(shells.device)
    texels = blocks.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2)
    return texels[:, None, : shells.shape[2], : shells.shape[3]].to(shells.dtype)
