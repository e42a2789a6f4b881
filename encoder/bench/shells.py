"""The fused shell renderer against grid_sample: forward, and forward with gradient, in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from encoder.bench.figure import Figure, cores, medians
from encoder.bench.machine import copy_bandwidth
from encoder.msi import kernels, reference
from encoder.msi.views import Floats
from protocol.projection import ShellKind


@dataclass(frozen=True, eq=False)
class Load:
    """Shells as the kernels take them, one ray per texel of a window, and what is wanted at the rays.

    Alphas are low enough that every ray sees every shell: an opaque scene would be faster.
    """

    shells: Floats
    disparities: Floats
    window: Floats
    origin: Floats
    rays: Floats
    target: Floats

    @property
    def samples(self) -> int:
        """Shells times rays."""
        return len(self.shells) * self.rays.shape[1]


def make_load(kind: ShellKind, *, quick: bool) -> Load:
    """32 shells of 504x378 (quick: 4 of 64x48) seen by a camera beside the origin."""
    count, width, height = (4, 64, 48) if quick else (32, 504, 378)
    rng = np.random.default_rng(0)
    shells = rng.random((count, height, width, 4), np.float32)
    shells[..., 3] *= 0.15
    shells[0, ..., 3] = 1.0
    density = width / 1.2
    ys, xs = np.mgrid[0:height, 0:width] + 0.5
    a, b = 0.9 * (xs - width / 2) / density, 0.9 * (height / 2 - ys) / density
    if kind == "plane":
        rays = np.stack([a, b, -np.ones_like(a)])
    else:
        rays = np.stack([np.sin(a) * np.cos(b), np.sin(b), -np.cos(a) * np.cos(b)])
    return Load(
        shells=shells,
        disparities=np.linspace(0.1, 1.0, count).astype(np.float32),
        window=np.array([kind == "sphere", width / 2, height / 2, density], np.float32),
        origin=np.array([0.03, 0.02, 0.01], np.float32),
        rays=np.ascontiguousarray(rays.reshape(3, -1), np.float32),
        target=rng.random((width * height, 4), np.float32),
    )


def bench_shells(quick: bool) -> list[Figure]:
    """Speed-ups over torch on all cores, samples per second, and shares of the copy bandwidth."""
    torch.set_num_threads(cores())
    out = []
    kinds: tuple[tuple[ShellKind, str], ...] = (("plane", ""), ("sphere", "_sphere"))
    for kind, suffix in kinds:
        load = make_load(kind, quick=quick)
        seconds = medians(_runs(load), rounds=1 if quick else 5)
        forward, gradient = seconds["forward"], seconds["gradient"]
        picture = load.rays.nbytes + load.target.nbytes
        # What must move: textures once, rays, pictures; for the gradient, what is read and written there as well.
        moved = {"forward": load.shells.nbytes + picture, "gradient": 3 * load.shells.nbytes + picture}
        out += [
            Figure(f"shell_forward_speedup{suffix}", seconds["torch forward"] / forward, "x"),
            Figure(f"shell_gradient_speedup{suffix}", seconds["torch gradient"] / gradient, "x"),
            Figure(f"shell_forward_samples_per_second{suffix}", load.samples / forward, "samples/s"),
            Figure(f"shell_gradient_samples_per_second{suffix}", load.samples / gradient, "samples/s"),
        ]
        for name, size in moved.items():
            share = size / seconds[name] / 1e9 / copy_bandwidth(quick)
            out.append(Figure(f"shell_{name}_bandwidth_share{suffix}", share, "of copy_bandwidth"))
    return out


def _runs(load: Load) -> dict[str, Callable[[], object]]:
    arguments = (load.shells, load.disparities, load.window, load.origin, load.rays)
    out, expected = np.empty_like(load.target), np.empty(load.rays.shape[1], np.float32)
    gradient = np.zeros_like(load.shells)
    tensors = [torch.from_numpy(values) for values in arguments]
    target = torch.from_numpy(load.target)

    def fused_gradient() -> None:
        gradient.fill(0)  # torch's is new each time, too
        kernels.gradient(*arguments, load.target, gradient)

    def torch_forward() -> None:
        with torch.no_grad():
            reference.render(*tensors)

    return {
        "forward": lambda: kernels.render(*arguments, out, expected),
        "torch forward": torch_forward,
        "gradient": fused_gradient,
        "torch gradient": lambda: torch_gradient(tensors, target),
    }


def torch_gradient(tensors: list[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """The gradient of the weighted squared error with respect to the shells, by autograd."""
    shells = tensors[0].detach().requires_grad_(True)
    rendered = reference.render(shells, *tensors[1:])
    (target[:, 3:] * (rendered[:, :3] - target[:, :3]) ** 2).sum().backward()
    assert shells.grad is not None
    return shells.grad
