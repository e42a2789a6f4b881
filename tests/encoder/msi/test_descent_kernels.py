"""One step of descent is torch's Adam, and its pulls are those that the docstring names."""

from __future__ import annotations

import numpy as np
import torch

from encoder.msi import descent_kernels, kernels
from encoder.msi.views import Floats

F = np.float32
BETAS = (0.9, 0.99)
NONE = np.zeros(4, np.float32)


def everything(shape: tuple[int, ...]) -> np.ndarray:
    return np.ones((shape[0], *(-(-size // kernels.CELL) for size in shape[1:3])), np.uint8)


def run(
    shells: Floats,
    gradients: list[Floats],
    *,
    rates: Floats,
    smooth: Floats = NONE,
    anchor: Floats = NONE,
    sparse: float = 0.0,
    prior: np.ndarray | None = None,
    alive: np.ndarray | None = None,
    free: np.ndarray | None = None,
) -> Floats:
    shells = shells.copy()
    first, second = np.zeros_like(shells), np.zeros_like(shells)
    prior = np.zeros(shells.shape, np.uint8) if prior is None else prior
    alive = everything(shells.shape) if alive is None else alive
    free = np.ones(shells.shape[:3], np.uint8) if free is None else free
    for step, gradient in enumerate(gradients, start=1):
        used = gradient.copy()
        descent_kernels.update(
            shells,
            used,
            first,
            second,
            prior,
            alive,
            free,
            rates,
            smooth,
            anchor,
            F(sparse),
            F(BETAS[0]),
            F(BETAS[1]),
            F(step),
        )
    return shells


def test_without_pulls_it_is_torchs_adam() -> None:
    rng = np.random.default_rng(0)
    shells = rng.uniform(0.3, 0.7, (2, 12, 20, 4)).astype(np.float32)
    gradients = [rng.normal(size=shells.shape).astype(np.float32) for _ in range(6)]
    found = run(shells, gradients, rates=np.array([0.01, 0.01, 0.01, 0.03], np.float32))
    colour, alpha = (torch.from_numpy(shells[..., part].copy()).double() for part in (slice(0, 3), slice(3, 4)))
    groups = [{"params": [colour], "lr": 0.01}, {"params": [alpha], "lr": 0.03}]
    adam = torch.optim.Adam(groups, betas=BETAS, eps=descent_kernels.EPSILON)
    for gradient in gradients:
        colour.grad = torch.from_numpy(gradient[..., :3].copy()).double()
        alpha.grad = torch.from_numpy(gradient[..., 3:].copy()).double()
        adam.step()
    wanted = torch.cat([colour, alpha], dim=-1).numpy()
    wanted[0, ..., 3] = 1.0
    assert np.abs(found - wanted).max() < 1e-5


def test_values_stay_in_range_and_the_farthest_shell_opaque() -> None:
    rng = np.random.default_rng(1)
    shells = rng.random((2, 9, 9, 4), np.float32)
    found = run(shells, [rng.normal(size=shells.shape).astype(np.float32)], rates=np.full(4, 2.0, np.float32))
    assert found.min() == 0.0 and found.max() == 1.0
    assert np.all(found[0, ..., 3] == 1.0)


def test_the_gradient_is_cleared() -> None:
    shells = np.full((1, 8, 8, 4), 0.5, np.float32)
    gradient = np.ones_like(shells)
    moments = np.zeros_like(shells), np.zeros_like(shells)
    prior = np.zeros(shells.shape, np.uint8)
    rates = np.full(4, 0.01, np.float32)
    descent_kernels.update(
        shells,
        gradient,
        *moments,
        prior,
        everything(shells.shape),
        np.ones(shells.shape[:3], np.uint8),
        rates,
        NONE,
        NONE,
        F(0),
        F(0.9),
        F(0.99),
        F(1),
    )
    assert not gradient.any()


def test_the_anchor_draws_to_the_prior_and_smoothness_to_the_neighbours() -> None:
    shells = np.full((1, 16, 16, 4), 0.5, np.float32)
    still = np.zeros_like(shells)
    rates = np.full(4, 0.01, np.float32)
    prior = np.full(shells.shape, 128, np.uint8)
    prior[0, 3, 4, 0] = 255
    prior[0, 3, 4, 1] = 0
    moved = run(shells, [still] * 3, rates=rates, anchor=np.full(4, 0.1, np.float32), prior=prior)[0, 3, 4]
    assert moved[0] > 0.52 and moved[1] < 0.48
    bump = shells.copy()
    bump[0, 8, 8, 2] = 0.9
    moved = run(bump, [still] * 3, rates=rates, smooth=np.full(4, 0.1, np.float32))[0]
    assert moved[8, 8, 2] < 0.88
    assert (moved[[7, 9, 8, 8], [8, 8, 7, 9], 2] > 0.505).all()
    # A texel feels its neighbour's move in the next step at the latest: three steps reach three texels up and left.
    assert np.all(moved[:5, :, :3] == 0.5) and np.all(moved[..., :2] == 0.5)


def test_one_step_of_the_pulls_exactly() -> None:
    """Adam's first step is its rate along the sign of the gradient; what is kept in the moments tells the gradient."""
    rng = np.random.default_rng(2)
    shells = rng.uniform(0.2, 0.8, (2, 10, 11, 4)).astype(np.float32)
    shells[0, ..., 3] = 1.0
    gradient = rng.normal(size=shells.shape).astype(np.float32)
    prior = rng.integers(0, 256, shells.shape).astype(np.uint8)
    smooth = np.array([0.3, 0.2, 0.1, 0.4], np.float32)
    anchor = np.array([0.5, 0.1, 0.2, 0.3], np.float32)
    first, second = np.zeros_like(shells), np.zeros_like(shells)
    used, held = gradient.copy(), shells.copy()
    # A rate of 0 keeps the values, so that every texel finds its neighbours as they were.
    descent_kernels.update(
        held,
        used,
        first,
        second,
        prior,
        everything(shells.shape),
        np.ones(shells.shape[:3], np.uint8),
        NONE,
        smooth,
        anchor,
        F(0.05),
        F(0.9),
        F(0.99),
        F(1),
    )
    padded = np.pad(shells, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    near = 0.25 * (padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:])
    wanted = gradient + smooth * (shells - near) + anchor * (shells - prior / np.float32(255))
    wanted[..., 3] += 0.05
    assert np.abs(first - 0.1 * wanted).max() < 1e-5
    assert np.abs(second - 0.01 * wanted**2).max() < 1e-5


def test_texels_that_may_not_change_keep_every_bit() -> None:
    rng = np.random.default_rng(3)
    shells = rng.random((2, 20, 20, 4), np.float32)
    shells[0, ..., 3] = 1.0
    alive = everything(shells.shape)
    alive[1, 1, 0] = 0
    gradient = rng.normal(size=shells.shape).astype(np.float32)
    free = np.ones(shells.shape[:3], np.uint8)
    free[0, 5, 6] = 0
    found = run(shells, [gradient], rates=np.full(4, 0.1, np.float32), alive=alive, free=free)
    for frozen in ((1, slice(8, 16), slice(0, 8)), (0, 5, 6)):
        assert np.array_equal(found[frozen], shells[frozen])
    assert not np.array_equal(found[0, 5, 7], shells[0, 5, 7])
    assert not np.array_equal(found[1, :8, :8], shells[1, :8, :8])


def test_blocks_with_something_and_their_neighbours_are_alive_and_the_rest_is_emptied() -> None:
    shells = np.full((2, 40, 40, 4), 0.005, np.float32)
    shells[1, 4, 20, 3] = 0.3
    before = shells.copy()
    alive, free = np.empty((2, 5, 5), np.uint8), np.ones((2, 40, 40), np.uint8)
    free[0, 32:, 32:] = 0
    descent_kernels.find_alive(shells, F(0.01), free, alive)
    wanted = np.zeros((2, 5, 5), np.uint8)
    wanted[1, 0:2, 1:4] = 1
    assert np.array_equal(alive, wanted)
    assert not shells[1, 16:, :, 3].any() and not shells[0, :32, :, 3].any() and not shells[0, :, :32, 3].any()
    assert np.array_equal(shells[0, 32:, 32:], before[0, 32:, 32:])  # not free
    assert np.array_equal(shells[1, :16, 8:32], before[1, :16, 8:32])
    assert np.array_equal(shells[..., :3], before[..., :3])
