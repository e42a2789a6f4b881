"""One code path for numpy and torch: the camera models are written against the names that both share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np


def namespace(values: Any) -> tuple[Any, Any]:
    """The module to compute with and the values in its floating type.

    A torch tensor stays a tensor of its own floating type and device (integers become torch's default); anything else
    becomes float64 numpy.
    """
    torch = sys.modules.get("torch")  # Who holds a tensor has imported torch; nobody else pays for the import.
    if torch is not None and isinstance(values, torch.Tensor):
        return torch, values if values.is_floating_point() else values.to(torch.get_default_dtype())
    return np, np.asarray(values, np.float64)


def smallest_step(xp: Any, values: Any) -> float:
    """The relative rounding error of the type of `values`."""
    return float(xp.finfo(values.dtype).eps)


def solve_increasing(
    value_and_slope: Callable[[Any], tuple[Any, Any]], target: Any, upper: float, *, xp: Any, iterations: int = 40
) -> Any:
    """x in [0, upper] with value(x) = target, for a function that increases there from 0; clamped to the ends.

    Newton's method that falls back to halving the bracket, so that it cannot leave the interval or cycle. The last step
    carries torch's gradient (implicit function theorem), the search does not.
    """
    wanted = target.detach() if hasattr(target, "detach") else target
    low = xp.zeros_like(wanted)
    high = low + upper
    top, slope = value_and_slope(low)
    x = xp.clip(wanted / xp.clip(slope, 1e-12, None), 0.0, upper)
    tolerance = 2.0 * smallest_step(xp, wanted) * upper
    for _ in range(iterations):
        top, slope = value_and_slope(x)
        error = top - wanted
        low = xp.where(error < 0, x, low)
        high = xp.where(error > 0, x, high)
        newton = x - error / xp.where(slope > 1e-12, slope, xp.ones_like(slope))
        stays = (newton >= low) & (newton <= high) & (slope > 1e-12)
        following = xp.where(stays, newton, 0.5 * (low + high))
        change = xp.abs(following - x)
        x = following
        if change.size == 0 if xp is np else change.numel() == 0:
            break
        if float(change.max()) <= tolerance:
            break
    if xp is not np and target.requires_grad:
        top, slope = value_and_slope(x)
        x = x + (target - wanted) / xp.clip(slope.detach(), 1e-12, None)
    return x
