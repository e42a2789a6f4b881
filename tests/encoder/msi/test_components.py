"""Gradient components are what autograd says the gradient is, and their sums ask for no order of the cameras."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoder.msi import torch_components
from encoder.msi.components import CHANNELS, gather_components
from encoder.msi.kernel_options import CELL
from encoder.msi.views import Floats
from protocol.projection import ShellKind
from tests.encoder.msi.shell_scenes import KINDS, Bundle, random_bundle
from tests.encoder.msi.test_kernels import (
    clear_of_edges,
    only,
    random_target,
    relative,
    tensors,
    torch_gradient,
)


def blocks_of(bundle: Bundle) -> NDArray[np.uint8]:
    """(N, bh, bw): all of them live."""
    return np.ones((len(bundle.shells), *(-(-size // CELL) for size in bundle.shells.shape[1:3])), np.uint8)


def components(bundle: Bundle, target: Floats, alive: NDArray[np.uint8] | None = None) -> Floats:
    """(N, H, W, 16)."""
    shells = bundle.shells
    out = np.zeros((*shells.shape[:3], CHANNELS), np.float32)
    alive = blocks_of(bundle) if alive is None else alive
    gather_components(shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, target, alive, out)
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_four_are_autograds_gradient(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle = only(bundle, clear_of_edges(bundle))
    target = random_target(bundle)
    found = -2 * components(bundle, target)[..., :4]
    wanted, _ = torch_gradient(bundle, target)
    assert relative(found, wanted) < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_what_reaches_empty_shells_is_all_that_there_is(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle.shells[..., 3] = 0.0
    target = random_target(bundle)
    found = components(bundle, target)
    assert np.allclose(found[..., 7], found[..., 6], rtol=1e-5) and found[..., 6].max() > 0
    # Nothing is behind anything, nothing is seen, and a texel sees what the pictures show at it.
    assert not found[..., 12:15].any() and not found[..., 15].any() and not found[..., 4].any()
    seen = found[..., 8:11] / np.maximum(found[..., 7:8], 1e-6)
    assert (seen <= 1 + 1e-5).all() and (found[..., 11] <= 3 * found[..., 7] + 1e-4).all()


def test_views_are_summed() -> None:
    bundle = random_bundle(KINDS[0])
    target = random_target(bundle)
    half = len(target) // 2
    first, second = (only(bundle, np.arange(len(target))[part]) for part in (slice(0, half), slice(half, None)))
    parts = components(first, target[:half]) + components(second, target[half:])
    assert np.allclose(parts, components(bundle, target), rtol=1e-4, atol=1e-4)
    flipped = only(bundle, np.arange(len(target))[::-1])
    assert np.allclose(components(flipped, target[::-1].copy()), components(bundle, target), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_is_the_plain_torch_one(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle = only(bundle, clear_of_edges(bundle))
    target = random_target(bundle)
    shells, *rest = tensors(bundle)
    plain = torch_components.gather_components(shells.permute(0, 3, 1, 2), *rest, torch.from_numpy(target).double())
    assert relative(components(bundle, target), plain.movedim(1, -1).numpy()) < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_dead_blocks_are_left_out_alike(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle = only(bundle, clear_of_edges(bundle))
    target, alive = random_target(bundle), blocks_of(bundle)
    alive[np.random.default_rng(4).random(alive.shape) < 0.4] = 0
    live = alive.repeat(CELL, 1).repeat(CELL, 2)[:, : bundle.shells.shape[1], : bundle.shells.shape[2], None]
    shells, *rest = tensors(bundle)
    plain = torch_components.gather_components(
        shells.permute(0, 3, 1, 2), *rest, torch.from_numpy(target).double(), torch.from_numpy(live).movedim(-1, 1)
    )
    found = components(bundle, target, alive) * live
    assert found.any() and relative(found, plain.movedim(1, -1).numpy() * live) < 1e-4
