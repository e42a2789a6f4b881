"""Gradient components in plain torch, on any device: what the kernel of `components` is checked against."""

from __future__ import annotations

import torch

from encoder.msi.components import CHANNELS
from encoder.msi.kernels import OPAQUE
from encoder.msi.reference import locate

_RAYS = 1 << 15  # at once


def gather_components(
    shells: torch.Tensor,
    disparities: torch.Tensor,
    window: torch.Tensor,
    origin: torch.Tensor,
    rays: torch.Tensor,
    target: torch.Tensor,
    live: torch.Tensor | None = None,
) -> torch.Tensor:
    """One view's components (N, 16, H, W) of shells (N, 4, H, W); the other arguments as in `kernels`, as tensors.

    live (N, 1, H, W): samples whose upper left texel has 0 there are none; None for all.
    """
    N, _, H, W = shells.shape
    texels = shells.permute(0, 2, 3, 1).reshape(N, H * W, 4)
    total = torch.zeros(N * H * W, CHANNELS, dtype=shells.dtype, device=shells.device)
    shelf = torch.arange(N, device=shells.device)[:, None] * (H * W)
    useful = target[:, 3] > 0
    rays, target = rays[:, useful], target[useful]
    for first in range(0, rays.shape[1], _RAYS):
        wanted = target[first : first + _RAYS]
        xy = locate(disparities, window, origin, rays[:, first : first + _RAYS]) - 0.5
        whole = xy.floor()
        fx, fy = (xy - whole).unbind(-1)
        inside = (whole >= 0).all(-1) & (whole[..., 0] < W - 1) & (whole[..., 1] < H - 1)
        at = torch.where(inside, whole[..., 1] * W + whole[..., 0], torch.zeros_like(fx)).long()
        if live is not None:
            inside &= live.reshape(N, H * W).gather(1, at) > 0
        corners = ((0, (1 - fx) * (1 - fy)), (1, fx * (1 - fy)), (W, (1 - fx) * fy), (W + 1, fx * fy))
        sample = sum(
            (share * inside)[..., None] * texels.gather(1, (at + step)[..., None].expand(-1, -1, 4))
            for step, share in corners
        )
        assert isinstance(sample, torch.Tensor)
        values = _values(sample, wanted) * inside[..., None]
        for step, share in corners:
            places = torch.where(inside, shelf + at + step, torch.zeros_like(at))
            total.index_add_(0, places.reshape(-1), (share[..., None] * values).reshape(-1, CHANNELS))
    return total.reshape(N, H, W, CHANNELS).permute(0, 3, 1, 2)


def _values(sample: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(N, P, 4) samples along rays, index 0 farthest, and (P, 4) target -> (N, P, 16)."""
    colour, alpha = sample[..., :3], sample[..., 3]
    clear = torch.cumprod((1 - alpha).flip(0), 0).flip(0)
    T = torch.cat([clear[1:], torch.ones_like(clear[:1])])
    behind, so_far = [], torch.zeros_like(colour[0])
    for c, a in zip(colour, alpha, strict=True):
        behind.append(so_far)
        so_far = so_far + a[:, None] * (c - so_far)
    B, weight = torch.stack(behind), target[:, 3]
    residual = weight[:, None] * (target[:, :3] - (T[..., None] * alpha[..., None] * colour).sum(0))
    weight = weight * (float(OPAQUE) < T)  # (N, P): what is hidden behind the opaque has no part in it
    residual = residual * (float(OPAQUE) < T)[..., None]
    reach = weight * T
    ahead = colour - B
    return torch.cat(
        [
            (T * alpha)[..., None] * residual,
            (T * (ahead * residual).sum(-1))[..., None],
            (reach * T * alpha**2)[..., None],
            (reach * T * (ahead**2).sum(-1))[..., None],
            weight[..., None],
            reach[..., None],
            reach[..., None] * target[:, :3],
            (reach * (target[:, :3] ** 2).sum(-1))[..., None],
            reach[..., None] * B,
            (reach * alpha)[..., None],
        ],
        -1,
    )
