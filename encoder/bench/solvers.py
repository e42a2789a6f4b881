"""Sweep and descent, as the encoder runs them, against the same work in plain torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as functional

from encoder.bench.figure import Figure, cores, medians
from encoder.bench.shells import Load, make_load, torch_gradient
from encoder.msi import descent_kernels, kernels, sweep_kernels
from encoder.msi.views import Floats

F = np.float32
_STRIDE, _BLOCK, _UNSEEN, _TEMPERATURE = 8, 32, 0.02, 0.001
_CAMERAS = 8


def bench_sweep(quick: bool) -> list[Figure]:
    """One pass of the sweep: 8 cameras, colours and spread on every shell. A sample is one texel in one camera."""
    torch.set_num_threads(cores())
    count, width, height = (4, 64, 48) if quick else (32, 504, 378)
    images, grids = _filmed(count, width, height)
    chosen = np.broadcast_to(np.arange(_CAMERAS, dtype=np.int32), (-(-height // _BLOCK), -(-width // _BLOCK), _CAMERAS))
    everywhere = np.ones((count, height, width), np.uint8)
    shells, costs = np.zeros((count, height, width, 4), np.float32), np.empty((count, height, width), np.float32)
    disparities = np.linspace(0.1, 1.0, count).astype(np.float32)
    unknown = np.full(images.shape[:3], -1, np.float32)
    chosen = np.ascontiguousarray(chosen)

    def fused() -> None:
        sweep_kernels.consistency(
            images,
            grids,
            _STRIDE,
            chosen,
            _BLOCK,
            disparities,
            unknown,
            F(1),
            F(_UNSEEN),
            everywhere,
            shells,
            costs,
        )
        sweep_kernels.costs_to_alpha(costs, F(_TEMPERATURE), everywhere, shells)

    pictures, points = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(grids)
    seconds = medians(
        {"fused": fused, "torch": lambda: torch_sweep(pictures, points, width, height)}, rounds=1 if quick else 3
    )
    samples = _CAMERAS * count * width * height
    return [
        Figure("sweep_samples_per_second", samples / seconds["fused"], "samples/s"),
        Figure("sweep_speedup", seconds["torch"] / seconds["fused"], "x"),
    ]


def _filmed(count: int, width: int, height: int) -> tuple[Floats, Floats]:
    """Images (C, H, W, 4) and grids (C, N, gh, gw, 2) of cameras in a circle, shifted by up to a twentieth a shell."""
    rng = np.random.default_rng(0)
    images = rng.random((_CAMERAS, height, width, 4), np.float32)
    images[..., 3] = 1.0
    ys, xs = np.mgrid[0 : -(-height // _STRIDE) + 2, 0 : -(-width // _STRIDE) + 2] * float(_STRIDE)
    grids = np.empty((_CAMERAS, count, *xs.shape, 2), np.float32)
    for c in range(_CAMERAS):
        angle = 2 * np.pi * c / _CAMERAS
        for i, shift in enumerate(np.linspace(0.0, 0.05 * width, count)):
            grids[c, i] = np.stack([xs + shift * np.cos(angle), ys + shift * np.sin(angle)], axis=-1)
    return images, grids


def torch_sweep(images: torch.Tensor, grids: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """(C, 4, H, W) images, (C, N, gh, gw, 2) grids -> (N, H, W, 4): mean colours, and alphas from their spread."""
    size = torch.tensor([images.shape[3], images.shape[2]], dtype=torch.float32)
    ys, xs = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    last = torch.tensor([grids.shape[3] - 1, grids.shape[2] - 1], dtype=torch.float32)
    where = (torch.stack([xs, ys], dim=-1) / _STRIDE / last * 2 - 1).expand(len(images), -1, -1, -1)
    colours, costs = [], []
    for shell in grids.unbind(1):
        pixels = functional.grid_sample(shell.permute(0, 3, 1, 2), where, align_corners=True).permute(0, 2, 3, 1)
        samples = functional.grid_sample(images, pixels * 2 / size - 1, align_corners=False)
        weight = samples[:, 3:] * ((pixels >= 0.5) & (pixels <= size - 0.5)).all(-1)[:, None]
        total = weight.sum(0).clamp(min=1e-4)
        mean = (weight * samples[:, :3]).sum(0) / total
        spread = ((weight * samples[:, :3] ** 2).sum(0) / total - mean**2).sum(0).clamp(min=0)
        seen = total[0] > 1.1
        costs.append(torch.where(seen, spread * total[0] / (total[0] - 1).clamp(min=0.1), torch.tensor(_UNSEEN)))
        colours.append(mean)
    stacked = torch.stack(costs)
    shares = torch.exp(((stacked.amin(0) - stacked) / _TEMPERATURE).clamp(min=-60))
    alpha = shares / shares.cumsum(0)
    return torch.cat([torch.stack(colours).permute(0, 2, 3, 1), alpha[..., None]], dim=-1)


def bench_descent(quick: bool) -> list[Figure]:
    """One step of descent with one camera: gradient and Adam. A sample is one ray on one shell."""
    torch.set_num_threads(cores())
    load = make_load("plane", quick=quick)
    shells = torch.from_numpy(load.shells.copy())
    adam = torch.optim.Adam([shells], lr=0.01, betas=(0.9, 0.99))
    target = torch.from_numpy(load.target)
    rest = [torch.from_numpy(values) for values in (load.disparities, load.window, load.origin, load.rays)]

    def plain() -> None:
        shells.grad = torch_gradient([shells, *rest], target)
        adam.step()

    seconds = medians({"fused": _fused_step(load), "torch": plain}, rounds=1 if quick else 3)
    return [
        Figure("descent_samples_per_second", load.samples / seconds["fused"], "samples/s"),
        Figure("descent_speedup", seconds["torch"] / seconds["fused"], "x"),
    ]


def _fused_step(load: Load) -> Callable[[], None]:
    shells = load.shells.copy()
    gradient, first, second = (np.zeros_like(shells) for _ in range(3))
    prior = (shells * 255).astype(np.uint8)
    count, height, width, _ = shells.shape
    blocks = np.ones((count, -(-height // kernels.CELL), -(-width // kernels.CELL)), np.uint8)
    everywhere = np.ones((count, height, width), np.uint8)
    rates, pull = np.full(4, 0.01, np.float32), np.full(4, 0.05, np.float32)

    def step() -> None:
        kernels.gradient(shells, load.disparities, load.window, load.origin, load.rays, load.target, gradient)
        descent_kernels.update(
            shells,
            gradient,
            first,
            second,
            prior,
            blocks,
            everywhere,
            rates,
            pull,
            pull,
            F(0),
            F(0.9),
            F(0.99),
            F(1),
        )

    return step
