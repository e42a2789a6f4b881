"""Layers as height fields: the kernels are the plain torch renderer, and flat layers are shells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from encoder.layers import reference, refine_kernels
from encoder.msi import kernels
from encoder.msi.kernel_options import CELL
from encoder.msi.views import Floats
from protocol.projection import ShellKind
from tests.encoder.msi.shell_scenes import KINDS, Bundle, random_bundle, texture

COUNT = 5


@dataclass(frozen=True)
class Case:
    """Layers and rays as the kernels take them."""

    layers: Floats
    disparity: Floats
    borders: Floats
    bundle: Bundle

    @property
    def arguments(self) -> tuple[Floats, ...]:
        b = self.bundle
        return self.layers, self.disparity, self.borders, b.window, b.origin, b.rays


def case(kind: ShellKind, *, alpha: float = 0.5, slope: float = 0.15) -> Case:
    """Random layers whose surfaces lean and bend a little within their borders."""
    bundle = random_bundle(kind, count=COUNT, rays=3000, alpha=alpha)
    borders = np.linspace(0.2, 1.5, COUNT + 1).astype(np.float32)
    ys, xs = np.mgrid[0:30, 0:40].astype(np.float64)
    lean = np.stack([np.sin(0.07 * xs + 0.09 * ys + k) for k in range(COUNT)])
    middle, half = 0.5 * (borders[1:] + borders[:-1]), 0.5 * np.diff(borders)
    disparity = middle[:, None, None] + slope * lean * half[:, None, None]
    return Case(bundle.shells, disparity.astype(np.float32), borders, bundle)


def rendered(c: Case) -> Floats:
    out, expected = np.empty((c.bundle.rays.shape[1], 4), np.float32), np.empty(c.bundle.rays.shape[1], np.float32)
    refine_kernels.render(*c.arguments, out, expected)
    return out


def gradients(c: Case, target: Floats) -> tuple[Floats, Floats, float]:
    out, depth = np.zeros_like(c.layers), np.zeros_like(c.disparity)
    alive = np.ones((COUNT, -(-30 // CELL), -(-40 // CELL)), np.uint8)
    return out, depth, refine_kernels.gradient(*c.arguments, target, alive, out, depth)


def tensors(c: Case) -> list[torch.Tensor]:
    return [torch.from_numpy(value).double() for value in c.arguments]


def clear(c: Case) -> np.ndarray:
    """(P,) rays that meet no layer within a hundredth of a texel of where samples begin to count."""
    _, disparity, borders, *rest = tensors(c)
    xy = reference.meet(disparity, borders, *rest).numpy() - 0.5
    return np.asarray((np.minimum(np.abs(xy), np.abs(xy - [39.0, 29.0])) > 1e-2).all(axis=(0, 2)))


def targets(c: Case) -> Floats:
    target = np.random.default_rng(3).random((c.bundle.rays.shape[1], 4), np.float32)
    target[~clear(c), 3] = 0.0
    return target


@pytest.mark.parametrize("kind", KINDS)
def test_flat_layers_are_shells(kind: ShellKind) -> None:
    c = case(kind, slope=0.0)
    flat = c.disparity[:, 0, 0].copy()
    out, expected = np.empty((c.bundle.rays.shape[1], 4), np.float32), np.empty(c.bundle.rays.shape[1], np.float32)
    kernels.render(c.layers, flat, *c.arguments[3:], out, expected)
    # On spheres a ray's way between two borders is taken to be straight: a fraction of a texel.
    assert np.abs(rendered(c) - out)[clear(c)].max() < (1e-4 if kind == "plane" else 0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_render_is_the_reference(kind: ShellKind, alpha: float) -> None:
    c = case(kind, alpha=alpha)
    wanted = reference.render(*tensors(c)).numpy()
    # A nearest texel that float32 rounds the other way moves a sample a little.
    difference = np.abs(rendered(c) - wanted)[clear(c)].max(axis=1)
    assert np.quantile(difference, 0.98) < 2e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_gradient_of_colour_and_alpha_is_autograds(kind: ShellKind, alpha: float) -> None:
    c, layers = case(kind, alpha=alpha), None
    target = targets(c)
    found, _, loss = gradients(c, target)
    layers, *rest = tensors(c)
    layers.requires_grad_(True)
    wanted = torch.from_numpy(target).double()
    whole = (wanted[:, 3:] * (reference.render(layers, *rest)[:, :3] - wanted[:, :3]) ** 2).sum()
    whole.backward()
    assert layers.grad is not None
    assert np.linalg.norm(found - layers.grad.numpy()) < 0.02 * np.linalg.norm(layers.grad.numpy())
    assert loss == pytest.approx(float(whole.detach()), rel=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_disparity_is_the_change_of_the_loss(kind: ShellKind) -> None:
    """A whole layer is moved, on smooth colours: the sum of its gradients is what the loss changes by."""
    c = case(kind, alpha=0.6, slope=0.0)
    for k, layer in enumerate(c.layers):
        layer[..., :3] = texture((30, 40), seed=k, scale=0.3)
        layer[..., 3] = 0.3 + 0.4 * texture((30, 40), seed=20 + k, scale=0.3)[..., 0]
    target = targets(c)
    _, depth, _ = gradients(c, target)
    step = 2e-3
    for layer in range(COUNT):
        losses = []
        for sign in (-1.0, 1.0):
            moved = c.disparity.copy()
            moved[layer] += np.float32(sign * step)
            losses.append(gradients(Case(c.layers, moved, c.borders, c.bundle), target)[2])
        wanted = (losses[1] - losses[0]) / (2 * step)
        assert float(depth[layer].sum()) == pytest.approx(wanted, rel=0.1, abs=0.02 * float(np.abs(depth).sum()))


def test_dead_blocks_are_not_looked_at() -> None:
    c = case("plane")
    target = targets(c)
    alive = np.zeros((COUNT, -(-30 // CELL), -(-40 // CELL)), np.uint8)
    out, depth = np.zeros_like(c.layers), np.zeros_like(c.disparity)
    loss = refine_kernels.gradient(*c.arguments, target, alive, out, depth)
    assert not out.any() and not depth.any()
    assert loss == pytest.approx(float((target[:, 3:] * target[:, :3] ** 2).sum()), rel=1e-4)


def test_the_same_twice_is_the_same_bit_by_bit() -> None:
    c = case("sphere")
    target = targets(c)
    first, second = gradients(c, target), gradients(c, target)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
