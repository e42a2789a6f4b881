"""Stereo Magnification (Zhou et al., 2018): two pictures in, shells out, by one pass of a U-Net.

The network sees the plane sweep volumes of both pictures and answers with an alpha for each texel, with how its colour
is blended of the two pictures and of a background, and with this one background (section 3.2). Unlike the paper's it
does not stack the planes as channels: its convolutions are shared by all planes and mix neighbouring ones, and planes
compete where the net is coarsest. So it takes any number of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import nn

_FEATURES = 12
_MOST_WIDTH = 128
_PLANES = 24  # between which a density of 1 lets 1 / e of the light through
_ABSENT = -1e4  # a score of what is not there
HALO = 32  # texels around one that have a say in it, a multiple of STRIDE
STRIDE = 4  # texels across that are one where the net is coarsest


@dataclass(frozen=True)
class StereoConfig:
    """What is learned: channels at full resolution; twice and three times as many at a half and a quarter of it."""

    width: int = 12

    @property
    def flaw(self) -> str | None:
        """What is wrong with it, if anything."""
        sound = type(self.width) is int and 1 <= self.width <= _MOST_WIDTH
        return None if sound else f"width is a whole number from 1 to {_MOST_WIDTH}"


class StereoNetwork(nn.Module):
    """(N, 4, H, W) of each of two pictures on all shells -> (N, 4, H, W) straight RGBA; H and W multiples of STRIDE."""

    KIND: ClassVar[str] = "lfv stereo 2"
    CONFIG: ClassVar[type[StereoConfig]] = StereoConfig

    def __init__(self, config: StereoConfig | None = None) -> None:
        super().__init__()
        self.config = config or StereoConfig()
        full, half, quarter = (k * self.config.width for k in (1, 2, 3))
        self.first = nn.Conv2d(_FEATURES, full, 1)
        self.at_full = _Block(full)
        self.to_half, self.at_half = nn.Conv2d(full, half, 1), _Block(half)
        self.to_quarter, self.at_quarter = nn.Conv2d(half, quarter, 1), _Block(quarter)
        self.compete, self.settled = nn.Conv2d(2 * quarter, quarter, 1), _Block(quarter)
        self.from_quarter, self.at_half_again = nn.Conv2d(quarter + half, half, 1), _Block(half)
        self.from_half, self.at_full_again = nn.Conv2d(half + full, full, 1), _Block(full)
        self.last = nn.Conv2d(full, 5, 1)
        nn.init.normal_(self.last.weight, std=0.02)
        self.last.bias = nn.Parameter(torch.tensor([-2.0, 0.0, 0.0, 0.0, 0.0]))

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Straight RGBA; the farthest plane is opaque."""
        x0 = self.at_full(functional.relu(self.first(_describe(left, right))))
        x1 = self.at_half(functional.relu(self.to_half(functional.avg_pool2d(x0, 2))))
        x2 = self.at_quarter(functional.relu(self.to_quarter(functional.avg_pool2d(x1, 2))))
        best = x2.amax(0, keepdim=True).expand_as(x2)
        x2 = self.settled(functional.relu(self.compete(torch.cat([x2, best], 1))))
        x1 = self.at_half_again(functional.relu(self.from_quarter(torch.cat([_doubled(x2), x1], 1))))
        x0 = self.at_full_again(functional.relu(self.from_half(torch.cat([_doubled(x1), x0], 1))))
        out = self.last(x0)
        # A density between planes: as much of it in all as there are more planes or fewer.
        alpha = 1 - torch.exp(-functional.softplus(out[:, :1]) * (_PLANES / len(out)))
        alpha = torch.cat([torch.ones_like(alpha[:1]), alpha[1:]])
        return torch.cat([_blended(left, right, out), alpha], 1)


class _Block(nn.Module):
    """3 x 3 texels and three planes, each channel by itself, then all channels of a texel; added to what was there."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.planes = nn.Parameter(torch.zeros(2, channels, 1, 1))
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        here = self.around(x)
        y = here.clone()
        y[:-1].addcmul_(self.planes[0], here[1:])
        y[1:].addcmul_(self.planes[1], here[:-1])
        out: torch.Tensor = self.mix(y).add_(x).relu_()
        return out


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _describe(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """(N, 12, H, W): mean and difference, which picture sees the texel, how well they agree against other planes."""
    seen_left, seen_right = left[:, 3:], right[:, 3:]
    both = seen_left * seen_right
    mean = (left[:, :3] * seen_left + right[:, :3] * seen_right) / (seen_left + seen_right).clamp(min=1.0)
    difference = (left[:, :3] - right[:, :3]) * both
    cost = difference.abs().sum(1, keepdim=True)
    agreement = []
    for radius in (1, 4):
        mass = _box(both, radius)
        near = _box(cost, radius) / mass.clamp(min=1e-3)
        near = torch.where(mass > 0.1, near, torch.ones_like(near))
        agreement.append((4 * (near - near.amin(0, keepdim=True))).clamp(max=2.0))
    place = torch.linspace(-1, 1, len(left), dtype=left.dtype, device=left.device)[:, None, None, None]
    return torch.cat(
        [mean - 0.5, 4 * difference, 2 * cost, seen_left, seen_right, *agreement, place.expand_as(cost)], 1
    )


def _box(x: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over (2 radius + 1)^2 texels, first down, then across: some of them beyond the edge, where there is 0."""
    down = functional.avg_pool2d(x, (2 * radius + 1, 1), 1, (radius, 0))
    return functional.avg_pool2d(down, (1, 2 * radius + 1), 1, (0, radius))


def _blended(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) of the pictures and the background, weighed by the net's answer (N, 5, H, W)."""
    seen = torch.cat([left[:, 3:], right[:, 3:]], 1)
    scores = torch.where(seen > 0, out[:, 1:3], torch.full_like(out[:, 1:3], _ABSENT))
    mean = (left[:, :3] * left[:, 3:] + right[:, :3] * right[:, 3:]) / seen.sum(1, keepdim=True).clamp(min=1.0)
    farness = torch.where(seen.sum(1, keepdim=True) > 0, out[:, 4:], torch.full_like(out[:, 4:], _ABSENT))
    background = (torch.softmax(farness, 0) * mean).sum(0, keepdim=True)
    weights = torch.softmax(torch.cat([scores, out[:, 3:4]], 1), 1)
    return weights[:, :1] * left[:, :3] + weights[:, 1:2] * right[:, :3] + weights[:, 2:] * background
