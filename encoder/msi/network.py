"""Learned gradient descent: a few steps, each a small network on the gradient components of all views (DeepView, 2019).

A step sees for each texel what its RGBA, the gradient of the source views' squared error, its curvature and the plane
sweep say (`components`), and how its neighbours on the shell, and on the shells before and behind, are doing. It
answers with a gated Gauss-Newton step and a correction of its own. Every step has weights of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import nn

Pooling = Literal["sum", "maximum", "attention"]
Colours = Literal["free", "blended"]

FEATURES = 19  # of `describe`
_VIEW_FEATURES = 12
_POOLED = 8
_CONTEXT = 4  # texels that are one in the wider view of a shell
_MOST_COLOUR, _MOST_ALPHA = 0.5, 1.0  # of a Gauss-Newton step
_UNSEEN = -1e4  # a score of views that do not look
_CORRECTION = 0.3  # of colour, at most


@dataclass(frozen=True)
class NetworkConfig:
    """What is learned.

    Attributes:
        steps: updates, each with its own weights.
        hidden: channels.
        pooling: how views are joined beside the sums that make the gradient: not at all, by the maximum of what a small
            network makes of each, or by its mean weighed by attention (Quark, 2024). None asks for order or number.
        colours: "free" adds a correction to the Gauss-Newton step; "blended" moves within what the views see.
    """

    steps: int = 3
    hidden: int = 16
    pooling: Pooling = "sum"
    colours: Colours = "free"


class LearnedDescent(nn.Module):
    """The steps of learned gradient descent."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.steps = nn.ModuleList(Step(self.config) for _ in range(self.config.steps))


class Step(nn.Module):
    """One update: (N, 4, H, W) RGBA and (4, N, 4, H, W) summed components -> (N, 4, H, W) RGBA.

    Channels are mixed texel by texel, and texels channel by channel: a tenth of the work of full convolutions.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.colours = config.colours
        pooled = 0 if config.pooling == "sum" else _POOLED
        self.pool = None if config.pooling == "sum" else _ViewNetwork(config.pooling)
        hidden = config.hidden
        self.first = nn.Conv2d(FEATURES + 4 + pooled, hidden, 1)
        self.near, self.near_mix = _around(hidden), nn.Conv2d(hidden, hidden, 1)
        self.wide, self.wide_mix = _around(hidden), nn.Conv2d(hidden, hidden, 1)
        self.again, self.again_mix = _around(hidden), nn.Conv2d(hidden, hidden, 1)
        self.last = nn.Conv2d(hidden, 6, 1)
        nn.init.zeros_(self.last.weight)
        self.last.bias = nn.Parameter(torch.tensor([0.0, -1.0, 0.0, 0.0, 0.0, 0.0]))  # damped Gauss-Newton, untrained

    def forward(
        self, shells: torch.Tensor, components: torch.Tensor, pooled: torch.Tensor | None, *, opaque: bool
    ) -> torch.Tensor:
        """`opaque`: the first of these shells is the farthest one, whose alpha stays 1."""
        features, colour_step, alpha_step = describe(components, shells)
        alpha = shells[:, 3:]
        parts = [features, *_beside(alpha), *_beside(alpha_step)]
        x = functional.relu(self.first(torch.cat(parts if pooled is None else [*parts, pooled], 1)))
        x = functional.relu(self.near_mix(self.near(x)) + x)
        wide = functional.avg_pool2d(x, _CONTEXT, ceil_mode=True, count_include_pad=False)
        wide = functional.relu(self.wide_mix(self.wide(wide)))
        x = x + functional.interpolate(wide, size=x.shape[2:], mode="bilinear", align_corners=False)
        x = functional.relu(self.again_mix(self.again(x)) + x)
        out = self.last(x)
        gates = torch.sigmoid(out[:, :2])
        colour = shells[:, :3] + gates[:, :1] * colour_step
        if self.colours == "free":
            colour = colour + _CORRECTION * torch.tanh(out[:, 2:5])
        change = (torch.tanh(out[:, 5:]) + gates[:, 1:] * alpha_step).clamp(-1.0, 1.0)
        alpha = alpha + (1 - alpha) * functional.relu(change) - alpha * functional.relu(-change)
        if opaque:
            alpha = torch.cat([torch.ones_like(alpha[:1]), alpha[1:]])
        # What no camera looks at stays, and so do blocks that are known to be empty.
        return torch.where(components[1, :, 2:3] > 0, torch.cat([colour.clamp(0.0, 1.0), alpha], 1), shells)


def _around(channels: int) -> nn.Conv2d:
    """3 x 3 texels, each channel by itself."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


class _ViewNetwork(nn.Module):
    """What a small network makes of each view, joined over views one by one: a maximum, or a running softmax."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.attends = pooling == "attention"
        self.first = nn.Conv2d(_VIEW_FEATURES, 16, 1)
        self.last = nn.Conv2d(16, _POOLED + int(self.attends), 1)

    def forward(self, state: _Pooled | None, components: torch.Tensor, shells: torch.Tensor) -> _Pooled:
        """The state with one more view, of components (4, N, 4, H, W)."""
        out = self.last(functional.relu(self.first(_describe_view(components, shells))))
        seen = components[1, :, 2:3] > 0
        values = out[:, :_POOLED]
        if not self.attends:
            values = torch.where(seen, values, torch.full_like(values, -torch.inf))
            return _Pooled(values if state is None else torch.maximum(state.values, values))
        score = torch.where(seen, out[:, _POOLED:], torch.full_like(out[:, _POOLED:], _UNSEEN))
        if state is None or state.best is None or state.total is None:
            return _Pooled(values, best=score, total=torch.ones_like(score))
        best = torch.maximum(state.best, score)
        old, new = torch.exp(state.best - best), torch.exp(score - best)
        return _Pooled(state.values * old + values * new, best=best, total=state.total * old + new)

    def result(self, state: _Pooled) -> torch.Tensor:
        """(N, 8, H, W); 0 where no view looks."""
        if state.best is None or state.total is None:
            return torch.where(state.values > -torch.inf, state.values, torch.zeros_like(state.values))
        return torch.where(state.best > _UNSEEN, state.values / state.total, torch.zeros_like(state.values))


@dataclass(frozen=True, eq=False)
class _Pooled:
    """Views that were joined so far: maxima, or sums weighed by exp(score - best) and the sum of these weights."""

    values: torch.Tensor
    best: torch.Tensor | None = None
    total: torch.Tensor | None = None


def _describe_view(components: torch.Tensor, shells: torch.Tensor) -> torch.Tensor:
    """(4, N, 4, H, W) of one view -> (N, 12, H, W)."""
    features, colour_step, alpha_step = describe(components, shells)
    return torch.cat([features[:, :1], features[:, 9:13], features[:, 14:17], colour_step, alpha_step], 1)


def describe(components: torch.Tensor, shells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(4, N, 4, H, W) components and (N, 4, H, W) RGBA -> features, and Gauss-Newton's steps of colour and alpha.

    Everything is a ratio of sums over views: it does not ask how many there are.
    """
    colour, alpha = shells[:, :3], shells[:, 3:]
    gradients, measures, there, without = components
    bend_colour, bend_alpha, cover, reach = (measures[:, c : c + 1] for c in range(4))
    some = cover.clamp(min=1e-3)
    colour_step = gradients[:, :3] / (bend_colour + 0.02 * some + 1e-3)
    colour_step = colour_step.clamp(-_MOST_COLOUR, _MOST_COLOUR)
    alpha_step = (gradients[:, 3:] / (bend_alpha + 0.01 * some + 1e-3)).clamp(-_MOST_ALPHA, _MOST_ALPHA)
    reached = reach.clamp(min=1e-3)
    seen, behind = there[:, :3] / reached, without[:, :3] / reached
    spread = (there[:, 3:] / reached - (seen**2).sum(1, keepdim=True)).clamp(min=0)
    known = reach / (reach + 0.1)
    features = torch.cat(
        [
            alpha,
            colour - 0.5,
            4 * colour_step,
            2 * alpha_step,
            (cover / 8).clamp(max=2),
            reach / some,
            4 * known * (seen - colour),
            8 * known * spread.sqrt(),
            2 * known * (behind - colour),
            without[:, 3:] / some,
            (bend_colour / some).sqrt(),
        ],
        1,
    )
    return features, colour_step, alpha_step


def _beside(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 1, H, W) of the next nearer shell, and of the next farther one; 0 beyond the last."""
    edge = torch.zeros_like(values[:1])
    return torch.cat([values[1:], edge]), torch.cat([edge, values[:-1]])
