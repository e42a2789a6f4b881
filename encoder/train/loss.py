"""How unlike two pictures are, without weights: squared error, gradients at several scales, and SSIM.

VGG features, which the papers use, need weights that are not shipped: a user's may be added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as functional

Perceptual = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # how unlike two pictures (3, H, W) look
_C1, _C2 = 0.01**2, 0.03**2
_WINDOW = 7


@dataclass(frozen=True)
class LossConfig:
    """Shares of the parts: gradients over `scales` halvings, 1 - SSIM, and VGG features where the user has weights."""

    gradients: float = 0.1
    scales: int = 3
    ssim: float = 0.001
    perceptual: float = 0.01


def unlikeness(
    seen: torch.Tensor,
    truth: torch.Tensor,
    mask: torch.Tensor,
    config: LossConfig,
    perceptual: Perceptual | None = None,
) -> torch.Tensor:
    """Of pictures (3, H, W) in 0..1 where `mask` (H, W) is 1; the squared error's share is 1."""
    count = mask.sum().clamp(min=1)
    out = ((seen - truth) ** 2 * mask).sum() / (3 * count)
    if config.gradients:
        out = out + config.gradients * _gradients(seen - truth, mask, config.scales)
    if config.ssim:
        out = out + config.ssim * _dissimilarity(seen, truth, mask)
    if perceptual is not None and config.perceptual:
        out = out + config.perceptual * perceptual(seen * mask, truth * mask)
    return out


def _gradients(difference: torch.Tensor, mask: torch.Tensor, scales: int) -> torch.Tensor:
    """Mean squared slope of the difference, over scales: edges that are blurred or doubled."""
    total = difference.new_zeros(())
    for _ in range(scales):
        for axis in (1, 2):
            both = mask.narrow(axis - 1, 1, mask.shape[axis - 1] - 1) * mask.narrow(
                axis - 1, 0, mask.shape[axis - 1] - 1
            )
            total = total + (difference.diff(dim=axis) ** 2 * both).sum() / (3 * both.sum().clamp(min=1))
        difference = functional.avg_pool2d(difference[None], 2)[0]
        mask = (functional.avg_pool2d(mask[None, None], 2)[0, 0] == 1).to(difference.dtype)
    return total / scales


def _dissimilarity(seen: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """1 - SSIM (Wang et al., 2004) with a square window, where all of it counts."""

    def mean(values: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(values[None], _WINDOW, stride=1)[0]

    a, b = mean(seen), mean(truth)
    aa, bb, ab = mean(seen * seen) - a * a, mean(truth * truth) - b * b, mean(seen * truth) - a * b
    value = ((2 * a * b + _C1) * (2 * ab + _C2)) / ((a * a + b * b + _C1) * (aa + bb + _C2))
    whole = (mean(mask[None])[0] > 1 - 1e-4).to(seen.dtype)
    return ((1 - value) * whole).sum() / (3 * whole.sum().clamp(min=1))
