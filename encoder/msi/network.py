"""Learned gradient descent: a few steps, each a small network on the gradient components of all views (DeepView, 2019).

A step sees for each texel what its RGBA, the gradient of the source views' squared error, its curvature and the plane
sweep say (`components`), and how its neighbours on the shell, and on the shells before and behind, are doing. It
answers with a gated Gauss-Newton step and a correction of its own. Every step has weights of its own and a resolution:
the first ones are coarse, where a few texels see far and cost little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import torch
import torch.nn.functional as functional
from torch import nn

Pooling = Literal["sum", "maximum", "attention"]
Colours = Literal["free", "blended"]

FEATURES = 19  # of `describe`
_VIEW_FEATURES = 12
_POOLED = 8
HALO = 2  # texels around one that have a say in its step
MOST_COLOUR, MOST_ALPHA = 0.5, 1.0  # of a Gauss-Newton step
_UNSEEN = -1e4  # a score of views that do not look
_MOST_STEPS, _MOST_HIDDEN, _MOST_LEVEL = 16, 256, 8
CORRECTION = 0.3  # of colour, at most


@dataclass(frozen=True)
class NetworkConfig:
    """What is learned.

    Attributes:
        levels: of each step, the texels across that are one: powers of two, none larger than the one before.
        hidden: channels.
        pooling: how views are joined beside the sums that make the gradient: not at all, by the maximum of what a small
            network makes of each, or by its mean weighed by attention (Quark, 2024). None asks for order or number.
        colours: "free" adds a correction to the Gauss-Newton step; "blended" moves towards what the views see, weighed
            by what reaches them, or by attention.
    """

    levels: tuple[int, ...] = (2, 2, 1)
    hidden: int = 16
    pooling: Pooling = "sum"
    colours: Colours = "free"

    @property
    def flaw(self) -> str | None:
        """What is wrong with it, if anything."""
        levels = self.levels
        if not 1 <= len(levels) <= _MOST_STEPS or not all(type(level) is int for level in levels):
            return f"levels are 1 to {_MOST_STEPS} whole numbers"
        if any(level not in (1, 2, 4, _MOST_LEVEL) for level in levels) or list(levels) != sorted(levels, reverse=True):
            return f"levels are powers of two up to {_MOST_LEVEL}, none larger than the one before"
        if type(self.hidden) is not int or not 1 <= self.hidden <= _MOST_HIDDEN:
            return f"hidden is a whole number from 1 to {_MOST_HIDDEN}"
        if self.pooling not in get_args(Pooling):
            return f"pooling is one of {', '.join(get_args(Pooling))}"
        return None if self.colours in get_args(Colours) else f"colours are {' or '.join(get_args(Colours))}"


class LearnedDescent(nn.Module):
    """The steps of learned gradient descent."""

    KIND: ClassVar[str] = "lfv learned descent 2"
    CONFIG: ClassVar[type[NetworkConfig]] = NetworkConfig

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.steps = nn.ModuleList(Step(self.config) for _ in self.config.levels)

    def first(self, count: int) -> LearnedDescent:
        """Its first steps alone: each was trained on what the one before left, and knows of none behind it."""
        out = LearnedDescent(replace(self.config, levels=self.config.levels[:count]))
        for mine, its in zip(out.steps, self.steps, strict=False):
            mine.load_state_dict(its.state_dict())
        return out.eval()

    def by_level(self) -> Iterator[tuple[int, Step]]:
        """The steps in order, each with its level."""
        for level, step in zip(self.config.levels, self.steps, strict=True):
            assert isinstance(step, Step)
            yield level, step


class Step(nn.Module):
    """One update of (N, 4, H, W) RGBA by (N, 16, H, W) summed components.

    Channels are mixed texel by texel, and texels channel by channel: a tenth of the work of full convolutions.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.free = config.colours == "free"
        pooled = 0 if config.pooling == "sum" else _POOLED
        self.pool = None if config.pooling == "sum" else _ViewNetwork(config.pooling)
        hidden = config.hidden
        self.first = nn.Conv2d(FEATURES + 4 + pooled, hidden, 1)
        self.near, self.near_mix = _around(hidden), nn.Conv2d(hidden, hidden, 1)
        self.again, self.again_mix = _around(hidden), nn.Conv2d(hidden, hidden, 1)
        self.last = nn.Conv2d(hidden, 7, 1)
        nn.init.zeros_(self.last.weight)
        # Untrained: damped Gauss-Newton.
        self.last.bias = nn.Parameter(torch.tensor([0.0, -1.0, -3.0, 0.0, 0.0, 0.0, 0.0]))

    def forward(
        self, shells: torch.Tensor, components: torch.Tensor, beside: torch.Tensor, pooled: torch.Tensor | None
    ) -> torch.Tensor:
        """(N, 4, H, W) RGBA after the step; `beside` (N, 4, H, W) from `neighbours`, `pooled` from `pool`."""
        features, colour_step, alpha_step = describe(components, shells)
        x = torch.cat([features, beside] if pooled is None else [features, beside, pooled[:, :_POOLED]], 1)
        seen = (components[:, 6:7] > 0).to(x.dtype)  # what no camera looks at has no say
        x = functional.relu(self.first(x)) * seen
        x = functional.relu(self.near_mix(self.near(x)) + x) * seen
        x = functional.relu(self.again_mix(self.again(x)) + x)
        out = self.last(x)
        gates = torch.sigmoid(out[:, :3])
        reach = components[:, 7:8]
        views = components[:, 8:11] / reach.clamp(min=1e-3) if pooled is None else pooled[:, _POOLED:]
        colour = shells[:, :3]
        colour = colour + gates[:, :1] * colour_step + gates[:, 2:] * (reach / (reach + 0.1)) * (views - colour)
        if self.free:
            colour = colour + CORRECTION * torch.tanh(out[:, 3:6])
        change = (torch.tanh(out[:, 6:]) + gates[:, 1:2] * alpha_step).clamp(-1.0, 1.0)
        alpha = shells[:, 3:]
        alpha = alpha + (1 - alpha) * functional.relu(change) - alpha * functional.relu(-change)
        # Neither does it change; nor do blocks that are known to be empty, whose components are 0.
        return torch.where(seen > 0, torch.cat([colour.clamp(0.0, 1.0), alpha], 1), shells)


def _around(channels: int) -> nn.Conv2d:
    """3 x 3 texels, each channel by itself."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


class _ViewNetwork(nn.Module):
    """What a small network makes of each view, joined over views one by one: a maximum, or a running softmax.

    Behind it comes what the views see, (N, 3, H, W): the mean by reach, or by attention.
    """

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.attends = pooling == "attention"
        self.first = nn.Conv2d(_VIEW_FEATURES, 16, 1)
        self.last = nn.Conv2d(16, _POOLED + int(self.attends), 1)

    def forward(self, state: _Pooled | None, components: torch.Tensor, shells: torch.Tensor) -> _Pooled:
        """The state with one more view, of components (N, 16, H, W)."""
        out = self.last(functional.relu(self.first(_describe_view(components, shells))))
        reach = components[:, 7:8]
        seen = reach > 0
        values = out[:, :_POOLED]
        if not self.attends:
            values = torch.where(seen, values, torch.full_like(values, -torch.inf))
            if state is None:
                return _Pooled(values, components[:, 8:11], reach)
            return _Pooled(
                torch.maximum(state.values, values), state.colours + components[:, 8:11], state.total + reach
            )
        score = torch.where(seen, out[:, _POOLED:], torch.full_like(out[:, _POOLED:], _UNSEEN))
        colours = components[:, 8:11] / reach.clamp(min=1e-6)
        if state is None or state.best is None:
            return _Pooled(values, colours, torch.ones_like(score), score)
        best = torch.maximum(state.best, score)
        old, new = torch.exp(state.best - best), torch.exp(score - best)
        return _Pooled(
            state.values * old + values * new, state.colours * old + colours * new, state.total * old + new, best
        )

    def result(self, state: _Pooled | None, shells: torch.Tensor) -> torch.Tensor:
        """(N, 8 + 3, H, W); 0 where no view looks, or where there was none."""
        if state is None:
            return shells.new_zeros(len(shells), _POOLED + 3, *shells.shape[2:])
        if state.best is None:
            known = state.total > 0
            values, colours = state.values, state.colours / state.total.clamp(min=1e-6)
        else:
            known = state.best > _UNSEEN
            values, colours = state.values / state.total, state.colours / state.total
        out = torch.cat([values, colours], 1)
        return torch.where(known, out, torch.zeros_like(out))


@dataclass(frozen=True, eq=False)
class _Pooled:
    """Views that were joined so far: maxima and sums by reach, or sums weighed by exp(score - best)."""

    values: torch.Tensor
    colours: torch.Tensor
    total: torch.Tensor
    best: torch.Tensor | None = None


def _describe_view(components: torch.Tensor, shells: torch.Tensor) -> torch.Tensor:
    """(N, 16, H, W) of one view -> (N, 12, H, W)."""
    features, colour_step, alpha_step = describe(components, shells)
    return torch.cat([features[:, :1], features[:, 9:13], features[:, 14:17], colour_step, alpha_step], 1)


def describe(components: torch.Tensor, shells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(N, 16, H, W) components and (N, 4, H, W) RGBA -> features, and Gauss-Newton's steps of colour and alpha.

    Everything is a ratio of sums over views: it does not ask how many there are.
    """
    colour, alpha = shells[:, :3], shells[:, 3:]
    bend_colour, cover, reach = components[:, 4:5], components[:, 6:7], components[:, 7:8]
    some = cover.clamp(min=1e-3)
    colour_step = components[:, :3] / (bend_colour + 0.02 * some + 1e-3)
    colour_step = colour_step.clamp(-MOST_COLOUR, MOST_COLOUR)
    alpha_step = _alpha_step(components)
    per_reach = 1 / reach.clamp(min=1e-3)
    seen, behind = components[:, 8:11] * per_reach, components[:, 12:15] * per_reach
    spread = (components[:, 11:12] * per_reach - (seen**2).sum(1, keepdim=True)).clamp(min=0)
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
            components[:, 15:16] / some,
            (bend_colour / some).sqrt(),
        ],
        1,
    )
    return features, colour_step, alpha_step


def _alpha_step(components: torch.Tensor) -> torch.Tensor:
    damped = components[:, 5:6] + 0.01 * components[:, 6:7].clamp(min=1e-3) + 1e-3
    return (components[:, 3:4] / damped).clamp(-MOST_ALPHA, MOST_ALPHA)


def neighbours(shells: torch.Tensor, components: torch.Tensor) -> torch.Tensor:
    """(N, 4, H, W): alpha on the next nearer shell and on the next farther one, and their steps; 0 beyond the last."""
    values = torch.cat([shells[:, 3:], _alpha_step(components)], 1)
    edge = torch.zeros_like(values[:1])
    return torch.cat([torch.cat([values[1:], edge]), torch.cat([edge, values[:-1]])], 1)
