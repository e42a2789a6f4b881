"""The shell renderer in plain torch, by grid_sample: what the fused kernels are checked and timed against."""

from __future__ import annotations

import torch
import torch.nn.functional as functional


def locate(disparities: torch.Tensor, window: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """Texel coordinates (N, P, 2) where rays cross the shells; arguments as in `kernels`."""
    sphere, cx, cy, density = window
    offset = disparities[:, None] * origin[None, :]
    if not bool(sphere):
        depth = 1.0 + offset[:, 2:]
        x = offset[:, :1] + depth * rays[0]
        y = offset[:, 1:2] + depth * rays[1]
    else:
        along = offset @ rays
        gap = 1.0 - (offset * offset).sum(1, keepdim=True)
        t = (along * along + gap).clamp(min=0).sqrt() - along
        px, py, pz = (offset[:, c : c + 1] + t * rays[c] for c in range(3))
        x = torch.atan2(px, -pz)
        y = torch.atan2(py, (px * px + pz * pz).sqrt())
    return torch.stack([cx + density * x, cy - density * y], dim=-1)


def render(
    shells: torch.Tensor, disparities: torch.Tensor, window: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor
) -> torch.Tensor:
    """shells (N, H, W, 4) -> premultiplied RGBA (P, 4), differentiable; a sample needs all four of its texels."""
    _, H, W, _ = shells.shape
    xy = locate(disparities, window, origin, rays)
    size = torch.tensor([W, H], dtype=xy.dtype, device=xy.device)
    grid = (xy * 2.0 / size - 1.0)[:, None]
    texels = functional.grid_sample(shells.permute(0, 3, 1, 2), grid, align_corners=False)[:, :, 0]
    inside = ((xy >= 0.5) & (xy < size - 0.5)).all(-1)
    alpha = texels[:, 3] * inside
    front = torch.cumprod(1.0 - alpha.flip(0), 0).flip(0)
    transmittance = torch.cat([front[1:], torch.ones_like(front[:1])])
    weight = transmittance * alpha
    return torch.cat([(weight[:, None] * texels[:, :3]).sum(0), weight.sum(0, keepdim=True)]).T
