"""Shells of two cameras, by the network of `stereo`."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch.nn.utils import convert_conv2d_weight_memory_format

from encoder.msi.reproject import reproject
from encoder.msi.scene import GRID_STRIDE, Scene
from encoder.msi.stereo import HALO, STRIDE, StereoNetwork
from encoder.msi.torch_steps import best_device, low_precision, within_memory
from encoder.msi.views import Floats, image_with_weight

_LONGEST = 128  # texels that go through the network together, across and down, at most: a multiple of STRIDE
_TEXELS = 2_500_000  # and these with those around them, on all planes: with 12 channels they take 1.7 GB


class StereoSolver:
    """Solves the shells of one window, frame by frame."""

    def __init__(self, network: StereoNetwork, scene: Scene, device: torch.device | None = None) -> None:
        """Prepare.

        Args:
            network: what is asked.
            scene: shells and the two cameras.
            device: where it computes; None for the CUDA device, where there is one.
        """
        self._device = device or best_device()
        # A texel's channels side by side, as `_tile` has them: convolutions take a third of their time.
        self._network = convert_conv2d_weight_memory_format(deepcopy(network).to(self._device), torch.channels_last)
        self._scene = scene

    def solve(
        self, images: Mapping[str, NDArray[np.uint8]], shells: Floats, *, free: NDArray[np.uint8] | None = None
    ) -> None:
        """Writes `shells` (N, H, W, 4) float32 straight RGBA, all texels or those that are free, (N, H, W) uint8.

        Args:
            images: (height, width, 3) uint8 sRGB by the views' names, of those that see anything.
        """
        scene = self._scene
        pair = [torch.from_numpy(volume).movedim(-1, 1) for volume in sweep_volumes(scene, images)]
        _, height, width = scene.shape
        side = tile_side(len(scene.disparities))
        with torch.inference_mode(), within_memory(self._device):
            for y in range(0, height, side):
                for x in range(0, width, side):
                    tile = (slice(None), slice(y, min(height, y + side)), slice(x, min(width, x + side)))
                    if free is not None and not free[tile].any():
                        continue
                    new = self._tile(pair, y, x, side)[:, :, : tile[1].stop - y, : tile[2].stop - x]
                    where = True if free is None else (free[tile] != 0)[..., None]
                    np.copyto(shells[tile], new.permute(0, 2, 3, 1).numpy(), where=where)

    def _tile(self, pair: list[torch.Tensor], y: int, x: int, side: int) -> torch.Tensor:
        """(N, 4, side, side) from texel (y, x) on; beyond the window nothing is seen."""
        height, width = pair[0].shape[2:]
        top, left = max(0, y - HALO), max(0, x - HALO)
        bottom, right = min(height, y + side + HALO), min(width, x + side + HALO)
        edges = (0, -(right - left) % STRIDE, 0, -(bottom - top) % STRIDE)
        cut = (functional.pad(volume[:, :, top:bottom, left:right].to(self._device), edges) for volume in pair)
        with low_precision(self._device):
            new = self._network(*(volume.contiguous(memory_format=torch.channels_last) for volume in cut))
        inner: torch.Tensor = new[:, :, y - top : y - top + side, x - left : x - left + side]
        return inner.float().cpu()


def tile_side(planes: int) -> int:
    """Texels across and down that go through the network together: fewer where there are many planes."""
    side = _LONGEST
    while side > STRIDE and planes * (side + 2 * HALO) ** 2 > _TEXELS:
        side //= 2
    return side


def sweep_volumes(scene: Scene, images: Mapping[str, NDArray[np.uint8]]) -> list[Floats]:
    """(N, H, W, 4) colour and weight of each view on all shells, of the left one (along the window's x) first."""
    order = sorted(range(len(scene.views)), key=lambda k: tuple(scene.rays[k][0]))
    out = []
    for k in order:
        view = scene.views[k]
        out.append(np.empty((*scene.shape, 4), np.float32))
        reproject(image_with_weight(view, images.get(view.name)), scene.grids[k], GRID_STRIDE, out[-1])
    return out
