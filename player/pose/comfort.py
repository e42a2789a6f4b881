"""The comfort volume: the head box in which a show is valid. Heads are kept inside, pictures fade towards its edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class ComfortBox:
    """An axis-aligned box, corners (3,) metres, world, as in the manifest."""

    low: Array
    high: Array


def clamped(box: ComfortBox, position: Array) -> Array:
    """The nearest point of the box, (3,) metres."""
    return np.clip(position, box.low, box.high)


def outside(box: ComfortBox, position: Array) -> float:
    """How far a position is from the box, metres; 0 inside."""
    return float(np.linalg.norm(position - clamped(box, position)))


def fade(box: ComfortBox, position: Array, *, inner: float = 0.8, outer: float = 1.3) -> float:
    """How bright the picture is: 1 well inside the box, 0 well outside, smooth between.

    Distance from the middle is counted in half sizes of the box, along its worst axis: 1 is on its surface. The picture
    is full up to `inner` and black from `outer` on. An axis along which the box has no size does not count.
    """
    half = 0.5 * (box.high - box.low)
    offset = np.abs(position - 0.5 * (box.low + box.high))
    reach = float(np.max(np.divide(offset, half, out=np.zeros(3), where=half > 0)))
    x = min(max((outer - reach) / (outer - inner), 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)
