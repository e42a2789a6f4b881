"""The fused renderer is the plain torch one, wherever the rays go and however many threads there are."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch

from encoder.msi import kernels, reference, visibility_kernels
from encoder.msi.views import Floats
from protocol.projection import ShellKind
from tests.encoder.msi.shell_scenes import KINDS, Bundle, random_bundle, render_bundle


def tensors(bundle: Bundle) -> list[torch.Tensor]:
    values = (bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays)
    return [torch.from_numpy(value).double() for value in values]


def clear_of_edges(bundle: Bundle) -> np.ndarray:
    """(P,) rays that cross no shell within a thousandth of a texel of where samples begin to count."""
    _, disparities, window, origin, rays = tensors(bundle)
    xy = reference.locate(disparities, window, origin, rays).numpy() - 0.5
    last = np.array(bundle.shells.shape[2:0:-1]) - 1.0
    return (np.minimum(np.abs(xy), np.abs(xy - last)) > 1e-3).all(axis=(0, 2))


def only(bundle: Bundle, rays: np.ndarray) -> Bundle:
    return replace(bundle, rays=np.ascontiguousarray(bundle.rays[:, rays]))


def kernel_gradient(bundle: Bundle, target: Floats) -> tuple[Floats, float]:
    out = np.zeros_like(bundle.shells)
    loss = kernels.gradient(bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, target, out)
    return out, loss


def torch_gradient(bundle: Bundle, target: Floats) -> tuple[np.ndarray, float]:
    shells, *rest = tensors(bundle)
    shells.requires_grad_(True)
    wanted = torch.from_numpy(target).double()
    rendered = reference.render(shells, *rest)
    loss = (wanted[:, 3:] * (rendered[:, :3] - wanted[:, :3]) ** 2).sum()
    loss.backward()
    assert shells.grad is not None
    return shells.grad.numpy(), float(loss.detach())


def random_target(bundle: Bundle, *, seed: int = 3) -> Floats:
    rng = np.random.default_rng(seed)
    target = rng.random((bundle.rays.shape[1], 4), np.float32)
    target[rng.random(len(target)) < 0.3, 3] = 0.0
    return target


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_render_is_the_reference(kind: ShellKind, alpha: float) -> None:
    bundle = random_bundle(kind, alpha=alpha)
    bundle = only(bundle, clear_of_edges(bundle))
    wanted = reference.render(*tensors(bundle)).numpy()
    out, _ = render_bundle(bundle)
    # What lies behind a transmittance of OPAQUE is not looked at.
    assert np.abs(out - wanted).max() < (1e-4 if alpha < 1 else float(kernels.OPAQUE) + 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_expected_disparity_is_the_weighted_sum(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle = only(bundle, clear_of_edges(bundle))
    shells = bundle.shells.copy()
    shells[..., 0] = bundle.disparities[:, None, None]
    wanted = reference.render(*tensors(replace(bundle, shells=shells))).numpy()[:, 0]
    assert np.abs(render_bundle(bundle)[1] - wanted).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_rays_that_miss_every_shell_see_nothing(kind: ShellKind) -> None:
    bundle = random_bundle(kind, rays=10)
    bundle.rays[:] = np.array([[5.0], [0.0], [-1.0]]) if kind == "plane" else np.array([[0.0], [0.0], [1.0]])
    out, expected = render_bundle(bundle)
    assert not out.any() and not expected.any()
    gradient, loss = kernel_gradient(bundle, np.ones((10, 4), np.float32))
    assert not gradient.any()
    assert loss == pytest.approx(30.0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_opaque_shell_hides_all_behind_it(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    stop = bundle.shells.copy()
    stop[3, ..., 3] = 1.0
    other = stop.copy()
    other[:3] = 0.25
    inner = bundle.rays * np.array([[0.4], [0.4], [1.0]], np.float32)
    if kind == "sphere":
        inner /= np.linalg.norm(inner, axis=0)
    pictures = [render_bundle(replace(bundle, shells=shells, rays=inner))[0] for shells in (stop, other)]
    assert np.array_equal(*pictures)
    assert np.allclose(pictures[0][:, 3], 1.0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_gradient_is_autograds(kind: ShellKind, alpha: float) -> None:
    bundle = random_bundle(kind, alpha=alpha, rays=3000)
    bundle = only(bundle, clear_of_edges(bundle))
    target = random_target(bundle)
    found, loss = kernel_gradient(bundle, target)
    wanted, wanted_loss = torch_gradient(bundle, target)
    assert relative(found, wanted) < 1e-4
    assert loss == pytest.approx(wanted_loss, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_opaque_texels_knows_what_they_hide(kind: ShellKind) -> None:
    """A texel that is too opaque to see through must still learn whether what is behind it would fit better."""
    bundle = random_bundle(kind, alpha=0.6, rays=3000)
    rng = np.random.default_rng(5)
    solid = rng.random((5, 30, 40)) < 0.6
    bundle.shells[1:, ..., 3][solid] = 1.0
    bundle = only(bundle, clear_of_edges(bundle))
    target = random_target(bundle)
    found, _ = kernel_gradient(bundle, target)
    wanted, _ = torch_gradient(bundle, target)
    assert relative(found, wanted) < 0.02


def test_pixels_of_weight_0_have_no_gradient() -> None:
    bundle = random_bundle("plane")
    target = random_target(bundle)
    kept = target[:, 3] > 0
    whole, loss = kernel_gradient(bundle, target)
    part, part_loss = kernel_gradient(only(bundle, kept), np.ascontiguousarray(target[kept]))
    assert np.allclose(whole, part, atol=1e-5)
    assert loss == pytest.approx(part_loss, rel=1e-6)
    nothing, loss = kernel_gradient(bundle, np.zeros_like(target))
    assert not nothing.any() and loss == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_that_are_not_alive_learn_nothing_and_change_nothing_else(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    target = random_target(bundle)
    N, H, W, _ = bundle.shells.shape
    alive = np.ones((N, -(-H // kernels.CELL), -(-W // kernels.CELL)), np.uint8)
    alive[1:] = np.random.default_rng(4).random(alive[1:].shape) < 0.5
    texels = np.repeat(np.repeat(alive, kernels.CELL, axis=1), kernels.CELL, axis=2)[:, :H, :W] != 0
    # Blocks are dead where they and those around them are empty: samples across their edges then weigh nothing.
    held = np.array(
        [
            [[texels[i, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].all() for x in range(W)] for y in range(H)]
            for i in range(N)
        ]
    )
    shells = bundle.shells.copy()
    shells[~held, 3] = 0.0
    shells[0, ..., 3] = 1.0
    bundle = replace(bundle, shells=shells)
    whole, loss = kernel_gradient(bundle, target)
    part = np.zeros_like(shells)
    arguments = (bundle.disparities, bundle.window, bundle.origin, bundle.rays, target, part, alive)
    assert kernels.gradient(shells, *arguments) == pytest.approx(loss, rel=1e-6)
    inner = texels & held
    assert np.allclose(part[inner], whole[inner], atol=1e-5)


def test_gradient_is_added_to_what_is_there() -> None:
    bundle = random_bundle("plane")
    target = random_target(bundle)
    once, _ = kernel_gradient(bundle, target)
    twice = once.copy()
    kernels.gradient(bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, target, twice)
    assert np.allclose(twice, 2 * once, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_no_bit(kind: ShellKind) -> None:
    bundle = random_bundle(kind, rays=20_000)
    target = random_target(bundle)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            seen = np.zeros(bundle.shells.shape[:3], np.float32)
            visibility_kernels.visible_weight(
                bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, target[:, 3], seen
            )
            results.append((*render_bundle(bundle), *kernel_gradient(bundle, target), seen))
    finally:
        numba.set_num_threads(before)
    for one, many in zip(*results, strict=True):
        assert np.array_equal(one, many)


@pytest.mark.parametrize("kind", KINDS)
def test_crosses_all_says_which_rays_stay_inside(kind: ShellKind) -> None:
    bundle = random_bundle(kind)
    bundle = only(bundle, clear_of_edges(bundle))
    _, H, W, _ = bundle.shells.shape
    out = np.empty(bundle.rays.shape[1], np.bool_)
    kernels.crosses_all(bundle.disparities, bundle.window, W, H, bundle.origin, bundle.rays, out)
    _, disparities, window, origin, rays = tensors(bundle)
    xy = reference.locate(disparities, window, origin, rays).numpy()
    wanted = ((xy >= 0.5) & (xy <= np.array([W, H]) - 0.5)).all(axis=(0, 2))
    assert np.array_equal(out, wanted)
    assert 0.2 < wanted.mean() < 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_visible_weight_is_the_greatest_over_rays(kind: ShellKind) -> None:
    bundle = random_bundle(kind, rays=400)
    bundle = only(bundle, clear_of_edges(bundle))
    weights = random_target(bundle)[:, 3]
    found = np.zeros(bundle.shells.shape[:3], np.float32)
    visibility_kernels.visible_weight(
        bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, weights, found
    )
    _, disparities, window, origin, rays = tensors(bundle)
    xy = reference.locate(disparities, window, origin, rays).numpy() - 0.5
    wanted = np.zeros(found.shape)
    N, H, W = found.shape
    for ray in np.flatnonzero(weights > 0):
        T = 1.0
        for i in reversed(range(N)):
            (x, y), (x0, y0) = xy[i, ray], np.floor(xy[i, ray]).astype(int)
            if not (0 <= x0 < W - 1 and 0 <= y0 < H - 1):
                continue
            corner = (i, slice(y0, y0 + 2), slice(x0, x0 + 2))
            shares = np.outer([1 - (y - y0), y - y0], [1 - (x - x0), x - x0])
            weight = T * float((bundle.shells[corner][..., 3] * shares).sum())
            wanted[corner] = np.maximum(wanted[corner], weight)
            T -= weight
    assert np.abs(found - wanted).max() < float(kernels.OPAQUE) + 1e-4
    again = found.copy()
    visibility_kernels.visible_weight(
        bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, weights * 0, again
    )
    assert np.array_equal(again, found)


def test_texels_of_large_windows_are_told_apart() -> None:
    """More than 2^24 texels: float32 no longer counts them."""
    width, height = 5000, 4001
    window = np.array([0.0, width / 2, height / 2, 1000.0], np.float32)
    shells = np.zeros((1, height, width, 4), np.float32)
    shells[0, :, 1::2] = 1.0
    columns = width // 2 + np.arange(-40, 40)
    rays = np.zeros((3, len(columns)), np.float32)
    rays[0] = (columns + 0.5 - width / 2) / 1000
    rays[1] = -(height - 30 + 0.5 - height / 2) / 1000
    bundle = Bundle(shells, np.array([1.0], np.float32), window, np.zeros(3, np.float32), rays)
    assert np.allclose(render_bundle(bundle)[0][:, 3], columns % 2, atol=0.01)
