"""What the stereo network learns from a scene: its shells are to look right from views that neither camera has."""

from __future__ import annotations

import numpy as np
import torch

from encoder.msi.network_solve import pictures_of
from encoder.msi.solve import SolveConfig
from encoder.msi.stereo import STRIDE, StereoNetwork
from encoder.msi.stereo_solve import StereoSolver, sweep_volumes
from encoder.msi.sweep import sweep
from encoder.msi.torch_steps import low_precision
from encoder.msi.views import Floats
from encoder.train.config import TrainConfig
from encoder.train.judged import LEAST, channels_first, view_loss
from encoder.train.loss import Perceptual
from encoder.train.scenes import TrainingScene


def learn(
    network: StereoNetwork, scene: TrainingScene, config: TrainConfig, perceptual: Perceptual | None
) -> list[float]:
    """Adds one scene's gradients to those of the weights; the loss, as a share of the sweep's."""
    truths = pictures_of(scene.judged, scene.images, 1)

    def loss(shells: torch.Tensor) -> torch.Tensor:
        return view_loss(shells, scene.judged, truths, config, perceptual)

    with torch.no_grad():
        start = channels_first(_swept(scene)).to(next(network.parameters()).device)
        before = max(float(loss(start)), LEAST)
    share = loss(_shells_of(network, scene)) / before
    (share / config.scenes).backward()
    return [float(share.detach())]


def _shells_of(network: StereoNetwork, scene: TrainingScene) -> torch.Tensor:
    """(N, 4, H, W) of which autograd knows how they came about."""
    _, height, width = scene.scene.shape
    edges = (0, -width % STRIDE, 0, -height % STRIDE)
    device = next(network.parameters()).device
    volumes = (channels_first(volume).to(device) for volume in sweep_volumes(scene.scene, scene.images))
    pair = [torch.nn.functional.pad(volume, edges) for volume in volumes]
    with low_precision(device):
        new: torch.Tensor = network(*pair)[:, :, :height, :width]
    return new.float()


def solved(network: StereoNetwork, scene: TrainingScene) -> list[Floats]:
    """(N, H, W, 4) of the sweep, and of the network."""
    found = np.empty((*scene.scene.shape, 4), np.float32)
    StereoSolver(network, scene.scene, next(network.parameters()).device).solve(scene.images, found)
    return [_swept(scene), found]


def _swept(scene: TrainingScene) -> Floats:
    return sweep(scene.scene, pictures_of(scene.scene, scene.images, 1), SolveConfig().sweep)
