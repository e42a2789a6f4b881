"""The training loop: scene after scene, each step of the network on what the step before leaves of it.

The components are inputs: no gradient flows through them, and each step's weights learn from the loss of its own
result, at its level. Memory is that of one step, and steps stay useful alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch

from encoder.metrics import psnr_of
from encoder.msi.coarse import coarse_scene
from encoder.msi.network import LearnedDescent, Step
from encoder.msi.network_solve import LearnedSolver, advanced, find_alive, grown, pictures_of
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
    """Adds one scene's gradients to those of the weights; the losses of all steps, as shares of their level's first."""
    losses: list[float] = []
    for stage in stages(network, scene):
        with torch.no_grad():
            before = max(float(_total_loss(_channels_first(stage.shells), stage, config, features)), _LEAST)
        for step in stage.steps:
            alive = find_alive(stage.shells, np.ones(stage.shells.shape[:3], np.uint8))
            new = advanced(step, stage.scene, stage.targets, stage.shells, alive)
            loss = _total_loss(new, stage, config, features) / before
            (loss / config.scenes).backward()
            losses.append(float(loss.detach()))
            stage.shells[...] = new.detach().permute(0, 2, 3, 1).numpy()
    return losses


@dataclass(frozen=True, eq=False)
class Stage:
    """The steps of a network at one level of a scene.

    Attributes:
        scene, judged: source cameras and targets at this level; pictures, truths: (h, w, 4) float32 of theirs.
        targets: the pictures as the kernels take them.
        shells: (N, h, w, 4) that the steps begin with, and what they make of them.
    """

    steps: tuple[Step, ...]
    scene: Scene
    judged: Scene
    pictures: list[Floats]
    truths: list[Floats]
    targets: list[Floats]
    shells: Floats


def stages(network: LearnedDescent, scene: TrainingScene) -> Iterator[Stage]:
    """The levels of a network on one scene, each to be taken through its steps before the next: as `LearnedSolver`."""
    last: tuple[int, Floats] | None = None
    for level, group in groupby(network.by_level(), key=lambda each: each[0]):
        here, judged = coarse_scene(scene.scene, level), coarse_scene(scene.judged, level)
        pictures = pictures_of(here, scene.images, level)
        if last is None:
            shells = sweep(here, pictures, SolveConfig().start)
        else:
            shells = grown(last[1], last[0] // level, here.shape)
        truths, targets = pictures_of(judged, scene.images, level), weighted_targets(here, pictures)
        yield Stage(tuple(step for _, step in group), here, judged, pictures, truths, targets, shells)
        last = level, shells


def held_out_scene(config: TrainConfig, bank: TextureBank, number: int) -> TrainingScene:
    """A scene that no step learns from."""
    return make_scene([config.seed, _HELD_OUT, number], bank, config.scene)


def solved(network: LearnedDescent, scene: TrainingScene) -> list[Floats]:
    """(N, H, W, 4) of the start and after each step, in full resolution."""
    found = []

    def keep(level: int, _: Scene, shells: Floats) -> None:
        found.append(shells.copy() if level == 1 else grown(shells, level, scene.scene.shape))

    solver = LearnedSolver(network, scene.scene, SolveConfig().start)
    solver.solve(scene.images, np.empty((*scene.scene.shape, 4), np.float32), on_level=keep)
    return found


def held_out_psnr(network: LearnedDescent, scenes: Sequence[TrainingScene]) -> tuple[float, ...]:
    """Mean PSNR in dB at the scenes' targets: of the start, and after each step."""
    rows = []
    for scene in scenes:
        truths = pictures_of(scene.judged, scene.images, 1)
        errors = [_squared_error(shells, scene.judged, truths) for shells in solved(network, scene)]
        rows.append([psnr_of(max(error, 1e-10)) for error in errors])
    return tuple(float(value) for value in np.mean(rows, axis=0)) if rows else ()


def _channels_first(shells: Floats) -> torch.Tensor:
    return torch.from_numpy(shells).movedim(-1, 1)


def _total_loss(shells: torch.Tensor, stage: Stage, config: TrainConfig, features: Features | None) -> torch.Tensor:
    loss = _loss(shells, stage.judged, stage.truths, config, features)
    if config.source_share:
        loss = loss + config.source_share * _loss(shells, stage.scene, stage.pictures, config, None)
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
        views = rendered(_channels_first(shells), scene)
    total, count = 0.0, 0
    for seen, picture, weight in zip(views, pictures, scene.weights, strict=True):
        mask = (weight.reshape(picture.shape[:2]) > 0) & (picture[..., 3] > 0)
        total += float(((seen.permute(1, 2, 0).numpy() - picture[..., :3])[mask] ** 2).sum())
        count += 3 * int(mask.sum())
    return total / max(1, count)
