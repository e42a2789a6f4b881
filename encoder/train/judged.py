"""What a loss is taken of: shells at the cameras that they were solved from, and at views that are no source."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from encoder.msi.scene import Scene
from encoder.msi.views import Floats
from encoder.train.config import TrainConfig
from encoder.train.loss import Perceptual, unlikeness
from encoder.train.rendered import rendered

LEAST = 1e-4  # squared error below which a scene counts no more


def channels_first(shells: Floats) -> torch.Tensor:
    """(N, H, W, 4) -> (N, 4, H, W), without a copy."""
    return torch.from_numpy(shells).movedim(-1, 1)


def view_loss(
    shells: torch.Tensor, scene: Scene, pictures: Sequence[Floats], config: TrainConfig, perceptual: Perceptual | None
) -> torch.Tensor:
    """Mean unlikeness of what the views of a scene see of shells (N, 4, H, W) and their pictures (h, w, 4)."""
    parts = []
    for seen, picture, weight in zip(rendered(shells, scene), pictures, scene.weights, strict=True):
        mask = torch.from_numpy((weight.reshape(picture.shape[:2]) > 0) & (picture[..., 3] > 0)).to(seen)
        truth = torch.from_numpy(picture[..., :3]).permute(2, 0, 1).to(seen)
        parts.append(unlikeness(seen, truth, mask, config.loss, perceptual))
    return torch.stack(parts).mean()


def squared_error(shells: Floats, scene: Scene, pictures: Sequence[Floats]) -> float:
    """Mean over the pixels of all views whose rays stay within the window."""
    with torch.inference_mode():
        views = rendered(channels_first(shells), scene)
    total, count = 0.0, 0
    for seen, picture, weight in zip(views, pictures, scene.weights, strict=True):
        mask = (weight.reshape(picture.shape[:2]) > 0) & (picture[..., 3] > 0)
        total += float(((seen.permute(1, 2, 0).numpy() - picture[..., :3])[mask] ** 2).sum())
        count += 3 * int(mask.sum())
    return total / max(1, count)
