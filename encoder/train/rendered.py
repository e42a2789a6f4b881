"""Shells as views see them, for losses in torch: by the solvers' own kernels, and on CUDA by torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from encoder.msi import kernels, reference
from encoder.msi.scene import Scene


class _Rendered(torch.autograd.Function):
    """(N, 4, H, W) straight RGBA -> (P, 3) of all rays of all views, one view after another."""

    @staticmethod
    def forward(ctx: Any, shells: torch.Tensor, scene: Scene) -> torch.Tensor:
        ctx.scene = scene
        ctx.shells = np.ascontiguousarray(shells.detach().permute(0, 2, 3, 1).numpy())
        ctx.colours = []
        for origin, rays in scene.rays:
            out = np.empty((rays.shape[1], 4), np.float32)
            kernels.render(
                ctx.shells, scene.disparities, scene.vector, origin, rays, out, np.empty(len(out), np.float32)
            )
            ctx.colours.append(out[:, :3])
        return torch.from_numpy(np.concatenate(ctx.colours))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        slopes = gradients[0].numpy()
        # Forward and backward differ by what is hidden behind the opaque: slopes must be large against that.
        scale = float(np.abs(slopes).max())
        if scale == 0:
            return torch.from_numpy(np.zeros_like(ctx.shells)).movedim(-1, -3), None
        total = np.zeros_like(ctx.shells)
        first = 0
        for (origin, rays), colours, weights in zip(ctx.scene.rays, ctx.colours, ctx.scene.weights, strict=True):
            # The kernel's loss is the squared distance from a target: this one makes the slope what it is to be.
            target = np.empty((len(colours), 4), np.float32)
            target[:, :3] = colours - 0.5 / scale * slopes[first : first + len(colours)]
            target[:, 3] = weights > 0
            kernels.gradient(ctx.shells, ctx.scene.disparities, ctx.scene.vector, origin, rays, target, total)
            first += len(colours)
        return torch.from_numpy(total * np.float32(scale)).movedim(-1, -3), None


def rendered(shells: torch.Tensor, scene: Scene) -> list[torch.Tensor]:
    """(3, height, width) of each view of the scene, differentiable where a pixel's ray stays within the window.

    Of shells (N, 4, H, W), on their device.
    """
    colours = rendered_by_torch(shells, scene) if shells.is_cuda else _Rendered.apply(shells, scene)
    sizes = [(view.model.height, view.model.width) for view in scene.views]
    parts = colours.split([height * width for height, width in sizes])
    return [part.reshape(*size, 3).permute(2, 0, 1) for part, size in zip(parts, sizes, strict=True)]


def rendered_by_torch(shells: torch.Tensor, scene: Scene) -> torch.Tensor:
    """(P, 3) of all rays of all views, in plain torch, on any device."""
    texels = shells.permute(0, 2, 3, 1)
    disparities, window = (torch.from_numpy(values).to(shells) for values in (scene.disparities, scene.vector))
    views = ((torch.from_numpy(values).to(shells) for values in view) for view in scene.rays)
    return torch.cat([reference.render(texels, disparities, window, *view)[:, :3] for view in views])
