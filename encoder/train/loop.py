"""The training loop: scene after scene, and every now and then a look at scenes that nobody learns from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from encoder.metrics import psnr_of
from encoder.msi.network import LearnedDescent
from encoder.msi.network_solve import pictures_of
from encoder.msi.stereo import StereoNetwork
from encoder.msi.turns import cosine_fall
from encoder.msi.views import Floats
from encoder.msi.weights_file import sound
from encoder.train import descent_lesson, stereo_lesson
from encoder.train.config import TrainConfig
from encoder.train.judged import squared_error
from encoder.train.loss import Perceptual
from encoder.train.scenes import TrainingScene, make_scene
from encoder.train.textures import TextureBank
from protocol.errors import SolveError

Network = LearnedDescent | StereoNetwork
_TRAINED, _HELD_OUT = 1, 2  # scenes of a seed


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


def make_network(config: TrainConfig, device: torch.device) -> tuple[Network, torch.optim.Adam]:
    """The network before its first step, by the seed, and its optimiser."""
    torch.manual_seed(config.seed)
    network = StereoNetwork(config.stereo) if config.solver == "stereo" else LearnedDescent(config.network)
    network.to(device)
    return network, torch.optim.Adam(network.parameters(), config.rate)


def train(
    config: TrainConfig,
    network: Network,
    adam: torch.optim.Adam,
    bank: TextureBank,
    *,
    first: int = 0,
    perceptual: Perceptual | None = None,
    on_report: Callable[[Report], None],
    on_step: Callable[[int], None],
) -> None:
    """Runs the steps `first`, first + 1, ... of a run: the same steps, whenever it was interrupted.

    `on_step` hears of the number of steps done after each; `on_report` every now and then.

    Raises:
        SolveError: the weights grow without bound.
    """
    judged = [held_out_scene(config, bank, k) for k in range(config.held_out)]
    losses: list[float] = []
    for number in range(first, config.steps):
        for group in adam.param_groups:
            group["lr"] = config.rate * cosine_fall(number + 1, config.steps, floor=0.02)
        adam.zero_grad()
        for k in range(config.scenes):
            scene = make_scene([config.seed, _TRAINED, number * config.scenes + k], bank, config.scene)
            losses += learn(network, scene, config, perceptual)
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        adam.step()
        if not all(math.isfinite(loss) for loss in losses) or not all(map(sound, network.parameters())):
            raise SolveError(f"step {number + 1}: the weights grow without bound; lower 'rate' and begin anew")
        done = number + 1
        if done % config.report_every == 0 or done == config.steps:
            on_report(Report(done, float(np.mean(losses)) if losses else math.nan, held_out_psnr(network, judged)))
            losses.clear()
        on_step(done)
    if first >= config.steps:
        on_report(Report(config.steps, math.nan, held_out_psnr(network, judged)))


def learn(network: Network, scene: TrainingScene, config: TrainConfig, perceptual: Perceptual | None) -> list[float]:
    """Adds one scene's gradients to those of the weights; the losses of all steps, as shares of the start's."""
    if isinstance(network, StereoNetwork):
        return stereo_lesson.learn(network, scene, config, perceptual)
    return descent_lesson.learn(network, scene, config, perceptual)


def solved(network: Network, scene: TrainingScene) -> list[Floats]:
    """(N, H, W, 4) shells of the start and after each of the network's steps, in full resolution."""
    if isinstance(network, StereoNetwork):
        return stereo_lesson.solved(network, scene)
    return descent_lesson.solved(network, scene)


def held_out_scene(config: TrainConfig, bank: TextureBank, number: int) -> TrainingScene:
    """A scene that no step learns from."""
    return make_scene([config.seed, _HELD_OUT, number], bank, config.scene)


def held_out_psnr(network: Network, scenes: Sequence[TrainingScene]) -> tuple[float, ...]:
    """Mean PSNR in dB at the scenes' targets: of the start, and after each step."""
    rows = []
    for scene in scenes:
        truths = pictures_of(scene.judged, scene.images, 1)
        errors = [squared_error(shells, scene.judged, truths) for shells in solved(network, scene)]
        rows.append([psnr_of(max(error, 1e-10)) for error in errors])
    return tuple(float(value) for value in np.mean(rows, axis=0)) if rows else ()
