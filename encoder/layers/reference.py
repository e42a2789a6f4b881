"""Layers as height fields in plain torch: what the kernels of refinement are checked against."""

from __future__ import annotations

import torch
import torch.nn.functional as functional

from encoder.msi.reference import locate


def meet(
    disparity: torch.Tensor, borders: torch.Tensor, window: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor
) -> torch.Tensor:
    """Texel coordinates (L, P, 2) where rays meet layers of `disparity` (L, H, W); arguments as in `refine_kernels`."""
    _, H, W = disparity.shape
    low, high = borders[:-1], borders[1:]
    start = locate(low, window, origin, rays)
    step = locate(high, window, origin, rays) - start
    size = torch.tensor([W, H], dtype=start.dtype)
    s = torch.full(start.shape[:2], 0.5, dtype=start.dtype)
    for mode in ("nearest", "nearest", "bilinear"):
        xy = torch.minimum(torch.maximum(start + s[..., None] * step, torch.full_like(size, 0.5)), size - 0.5)
        grid = (xy * 2.0 / size - 1.0)[:, None]
        found = functional.grid_sample(disparity[:, None], grid, mode=mode, align_corners=False, padding_mode="border")[
            :, 0, 0
        ]
        s = ((found - low[:, None]) / (high - low)[:, None]).clamp(0.0, 1.0)
    return start + s[..., None] * step


def render(
    layers: torch.Tensor,
    disparity: torch.Tensor,
    borders: torch.Tensor,
    window: torch.Tensor,
    origin: torch.Tensor,
    rays: torch.Tensor,
) -> torch.Tensor:
    """layers (L, H, W, 4) -> premultiplied RGBA (P, 4), differentiable by `layers`."""
    _, H, W, _ = layers.shape
    xy = meet(disparity, borders, window, origin, rays).detach()
    size = torch.tensor([W, H], dtype=xy.dtype)
    texels = functional.grid_sample(layers.permute(0, 3, 1, 2), (xy * 2.0 / size - 1.0)[:, None], align_corners=False)
    samples = texels[:, :, 0]
    inside = ((xy >= 0.5) & (xy < size - 0.5)).all(-1)
    alpha = samples[:, 3] * inside
    front = torch.cumprod(1.0 - alpha.flip(0), 0).flip(0)
    weight = torch.cat([front[1:], torch.ones_like(front[:1])]) * alpha
    return torch.cat([(weight[:, None] * samples[:, :3]).sum(0), weight.sum(0, keepdim=True)]).T
