"""Axes whose ticks are round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`; ticks in between, both ends included where they are round."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int

    def text(self, tick: float) -> str:
        """A tick as it is written."""
        return f"{tick:.{self.decimals}f}"

    def share(self, value: float) -> float:
        """Where the value lies: 0 at `low`, 1 at `high`."""
        return (value - self.low) / (self.high - self.low)


def round_axis(label: str, low: float, high: float, *, least: float, count: int = 5) -> Axis:
    """An axis that begins and ends with a tick, of about `count` steps and a span of at least `least`."""
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    step = _step((high - low) / count)
    # Half a millionth of slack: 0.3 / 0.1 is a little below 3.
    first, last = math.floor(low / step + 5e-7), math.ceil(high / step - 5e-7)
    return _axis(label, first * step, last * step, step, range(first, last + 1))


def whole_axis(label: str, low: int, high: int, *, count: int = 8) -> Axis:
    """An axis of whole numbers that begins and ends with the first and last; its ticks are round."""
    high = max(high, low + 1)
    step = max(1.0, _step((high - low) / count))
    return _axis(label, low, high, step, range(math.ceil(low / step), math.floor(high / step) + 1))


def _axis(label: str, low: float, high: float, step: float, numbers: range) -> Axis:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return Axis(label, low, high, tuple(round(n * step, decimals) for n in numbers), decimals)


def _step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 ... and their tenths that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in _STEPS if power * factor >= least * (1 - 1e-9))
