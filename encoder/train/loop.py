"""The training loop: scene after scene, each step of the network on what the step before leaves of it.

The components are inputs: no gradient flows through them, and each step's weights learn from the loss of its own
result. Memory is that of one step, and steps stay useful alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from encoder.metrics import psnr_of
from encoder.msi.network import LearnedDescent, Step
from encoder.msi.network_solve import advanced, find_alive
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig
from encoder.msi.sweep import sweep
from encoder.msi.turns import cosine_fall, weighted_targets
from encoder.msi.views import Floats
from encoder.train.config import TrainConfig
from encoder.train.loss import Features, unlikeness
from encoder.train.rendered import rendered
from encoder.train.scenes import TrainingScene, make_scene
from encoder.train.textures import TextureBank

_TRAINED, _HELD_OUT = 1, 2  # scenes of a seed
_LEAST = 1e-4  # squared error of a start below which a scene counts no more


@dataclass(frozen=True)
class Report:
    """How a run is doing after `step` steps.

    Attributes:
        loss: mean over the steps since the last report, as a share of that of the start.
        psnr: dB at the targets of the held-out scenes: of the start, and after each of the network's steps.
    """

    step: int
    loss: float
    psnr: tuple[float, ...]


def make_network(config: TrainConfig) -> tuple[LearnedDescent, torch.optim.Adam]:
    """The network before its first step, by the seed, and its optimiser."""
    torch.manual_seed(config.seed)
    network = LearnedDescent(config.network)
    return network, torch.optim.Adam(network.parameters(), config.rate)


def train(
    config: TrainConfig,
    network: LearnedDescent,
    adam: torch.optim.Adam,
    bank: TextureBank,
    *,
    first: int = 0,
    features: Features | None = None,
    on_report: Callable[[Report], None],
    on_step: Callable[[int], None],
) -> None:
    """Runs the steps `first`, first + 1, ... of a run: the same steps, whenever it was interrupted.

    `on_step` hears of the number of steps done after each; `on_report` every now and then.
    """
    judged = [held_out_scene(config, bank, k) for k in range(config.held_out)]
    losses: list[float] = []
    for number in range(first, config.steps):
        for group in adam.param_groups:
            group["lr"] = config.rate * cosine_fall(number + 1, config.steps, floor=0.02)
        adam.zero_grad()
        for k in range(config.scenes):
            scene = make_scene([config.seed, _TRAINED, number * config.scenes + k], bank, config.scene)
            losses += learn(network, scene, config, features)
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        adam.step()
        done = number + 1
        if done % config.report_every == 0 or done == config.steps:
            on_report(Report(done, float(np.mean(losses)) if losses else math.nan, held_out_psnr(network, judged)))
            losses.clear()
        on_step(done)


def learn(network: LearnedDescent, scene: TrainingScene, config: TrainConfig, features: Features | None) -> list[float]:
    """Adds one scene's gradients to those of the weights; the losses of all steps, as shares of the start's."""
    shells, targets = start(scene), weighted_targets(scene.scene, scene.pictures)
    alive = find_alive(shells, None)
    with torch.no_grad():
        before = max(float(_total_loss(torch.from_numpy(shells).movedim(-1, -3), scene, config, features)), _LEAST)
    losses = []
    for step in network.steps:
        assert isinstance(step, Step)
        new = advanced(step, scene.scene, targets, shells, alive)
        loss = _total_loss(new, scene, config, features) / before
        (loss / config.scenes).backward()
        losses.append(float(loss.detach()))
        shells = np.ascontiguousarray(new.detach().permute(0, 2, 3, 1).numpy())
    return losses


def held_out_scene(config: TrainConfig, bank: TextureBank, number: int) -> TrainingScene:
    """A scene that no step learns from."""
    return make_scene([config.seed, _HELD_OUT, number], bank, config.scene)


def start(scene: TrainingScene) -> Floats:
    """What learned descent starts from: the sweep, as the solver has it."""
    return sweep(scene.scene, scene.pictures, SolveConfig().start)


def held_out_psnr(network: LearnedDescent, scenes: Sequence[TrainingScene]) -> tuple[float, ...]:
    """Mean PSNR in dB at the scenes' targets: of the start, and after each step."""
    rows = []
    with torch.inference_mode():
        for scene in scenes:
            shells, targets = start(scene), weighted_targets(scene.scene, scene.pictures)
            alive = find_alive(shells, None)
            row = [_squared_error(shells, scene.judged, scene.truths)]
            for step in network.steps:
                assert isinstance(step, Step)
                new = advanced(step, scene.scene, targets, shells, alive)
                shells = np.ascontiguousarray(new.permute(0, 2, 3, 1).numpy())
                row.append(_squared_error(shells, scene.judged, scene.truths))
            rows.append([psnr_of(max(error, 1e-10)) for error in row])
    return tuple(float(value) for value in np.mean(rows, axis=0)) if rows else ()


def _total_loss(
    shells: torch.Tensor, scene: TrainingScene, config: TrainConfig, features: Features | None
) -> torch.Tensor:
    loss = _loss(shells, scene.judged, scene.truths, config, features)
    if config.source_share:
        loss = loss + config.source_share * _loss(shells, scene.scene, scene.pictures, config, None)
    return loss


def _loss(
    shells: torch.Tensor, scene: Scene, pictures: Sequence[Floats], config: TrainConfig, features: Features | None
) -> torch.Tensor:
    parts = []
    for seen, picture, weight in zip(rendered(shells, scene), pictures, scene.weights, strict=True):
        mask = torch.from_numpy((weight.reshape(picture.shape[:2]) > 0) & (picture[..., 3] > 0)).to(seen.dtype)
        truth = torch.from_numpy(picture[..., :3]).permute(2, 0, 1)
        parts.append(unlikeness(seen, truth, mask, config.loss, features))
    return torch.stack(parts).mean()


def _squared_error(shells: Floats, scene: Scene, pictures: Sequence[Floats]) -> float:
    """Mean over the pixels of all views whose rays stay within the window."""
    with torch.inference_mode():
        views = rendered(torch.from_numpy(shells).permute(0, 3, 1, 2), scene)
    total, count = 0.0, 0
    for seen, picture, weight in zip(views, pictures, scene.weights, strict=True):
        mask = (weight.reshape(picture.shape[:2]) > 0) & (picture[..., 3] > 0)
        total += float(((seen.permute(1, 2, 0).numpy() - picture[..., :3])[mask] ** 2).sum())
        count += 3 * int(mask.sum())
    return total / max(1, count)
