"""What the network of learned descent learns from a scene: each step from what the step before leaves of it.

The components are inputs: no gradient flows through them, and each step's weights learn from the loss of its own
result, at its level. Memory is that of one step, and steps stay useful alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch

from encoder.msi.coarse import coarse_scene
from encoder.msi.network import LearnedDescent, Step
from encoder.msi.network_solve import NetworkSolver, find_alive, grown, pictures_of
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig
from encoder.msi.sweep import sweep
from encoder.msi.torch_steps import advanced
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats
from encoder.train.config import TrainConfig
from encoder.train.judged import LEAST, channels_first, view_loss
from encoder.train.loss import Perceptual
from encoder.train.scenes import TrainingScene


def learn(
    network: LearnedDescent, scene: TrainingScene, config: TrainConfig, perceptual: Perceptual | None
) -> list[float]:
    """Adds one scene's gradients to those of the weights; the losses of all steps, as shares of their level's first."""
    device = next(network.parameters()).device
    losses: list[float] = []
    for stage in stages(network, scene):
        with torch.no_grad():
            start = channels_first(stage.shells).to(device)
            before = max(float(_total_loss(start, stage, config, perceptual)), LEAST)
        for step in stage.steps:
            alive = find_alive(stage.shells, np.ones(stage.shells.shape[:3], np.uint8))
            new = advanced(step, stage.scene, stage.targets, channels_first(stage.shells).to(device), alive)
            loss = _total_loss(new, stage, config, perceptual) / before
            (loss / config.scenes).backward()
            losses.append(float(loss.detach()))
            stage.shells[...] = new.detach().movedim(1, -1).cpu().numpy()
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
    """The levels of a network on one scene, each to be taken through its steps before the next: as `NetworkSolver`."""
    last: tuple[int, Floats] | None = None
    for level, group in groupby(network.by_level(), key=lambda each: each[0]):
        here, judged = coarse_scene(scene.scene, level), coarse_scene(scene.judged, level)
        pictures = pictures_of(here, scene.images, level)
        if last is None:
            shells = sweep(here, pictures, SolveConfig().network_start)
        else:
            shells = grown(last[1], last[0] // level, here.shape)
        truths, targets = pictures_of(judged, scene.images, level), weighted_targets(here, pictures)
        yield Stage(tuple(step for _, step in group), here, judged, pictures, truths, targets, shells)
        last = level, shells


def solved(network: LearnedDescent, scene: TrainingScene) -> list[Floats]:
    """(N, H, W, 4) of the start and after each step, in full resolution."""
    found = []

    def keep(level: int, _: Scene, shells: Floats) -> None:
        found.append(shells.copy() if level == 1 else grown(shells, level, scene.scene.shape))

    solver = NetworkSolver(network, scene.scene, SolveConfig().network_start, next(network.parameters()).device)
    solver.solve(scene.images, np.empty((*scene.scene.shape, 4), np.float32), on_level=keep)
    return found


def _total_loss(shells: torch.Tensor, stage: Stage, config: TrainConfig, perceptual: Perceptual | None) -> torch.Tensor:
    loss = view_loss(shells, stage.judged, stage.truths, config, perceptual)
    if config.source_share:
        loss = loss + config.source_share * view_loss(shells, stage.scene, stage.pictures, config, None)
    return loss
