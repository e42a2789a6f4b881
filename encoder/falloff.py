"""How lenses darken towards their rim, found from what several cameras see at different angles.

The cameras of a rig that looks around see the same thing at very different angles off their axes. Fisheyes lose a third
of the light at the rim; for colours that are compared between cameras this is no match. One even polynomial of the
angle serves all lenses of the rig, beside one gain per camera. Cameras that look the same way neither need it nor
tell it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoder.msi.views import View
from encoder.point_colours import point_colours
from protocol.geometry import Array

log = logging.getLogger(__name__)

_WIDTH = 96  # of the pictures that are compared: details, and with them depth, are averaged away
_DIRECTIONS = 6000
_DARKEST, _BRIGHTEST = 12.0, 230.0  # of 255; beyond, the ratio of two pictures says nothing
_POWERS = (2, 4, 6)
_LOOSE = 0.05  # residuals from here on count less
_FEWEST = 500  # comparisons
_WORTH = 0.8  # a correction that leaves more than this share of the differences is none
_SLIGHT = 0.02  # differences (natural log) that need no correction


@dataclass(frozen=True)
class Falloff:
    """Brightness of a lens relative to its axis: gain * exp(sum(c_k * angle^(2k))).

    Attributes:
        gains: by camera; their geometric mean is 1.
        coefficients: of angle^2, angle^4, angle^6, radians.
        before, after: median difference between cameras that see the same direction, natural log.
    """

    gains: Mapping[str, float]
    coefficients: tuple[float, ...]
    before: float
    after: float

    def at(self, angle: Array) -> Array:
        """Brightness at angles off the axis, radians, without the cameras' gains."""
        return np.asarray(np.exp(sum(c * angle**p for c, p in zip(self.coefficients, _POWERS, strict=True))))


def find_falloff(
    views: Sequence[View], pictures: Mapping[str, NDArray[np.uint8]], *, distance: float
) -> Falloff | None:
    """The falloff that makes the cameras agree, or None where there is none to correct.

    Args:
        pictures: (height, width, 3) uint8 sRGB of each view. A gain is a factor in sRGB too, but for its toe.
        distance: at which most of the scene is taken to be.
    """
    rows, ratios = _comparisons(views, pictures, distance)
    if len(ratios) < _FEWEST:
        return None
    n = len(views)
    weight = np.ones(len(ratios))
    pull = np.append(np.ones(n), np.zeros(len(_POWERS))) * 1e-2 * np.sqrt(len(ratios))
    for _ in range(10):
        scaled = rows * weight[:, None]
        solution = np.linalg.lstsq(scaled.T @ scaled + np.outer(pull, pull), scaled.T @ (ratios * weight))[0]
        residual = np.abs(ratios - rows @ solution)
        weight = 1.0 / np.sqrt(1.0 + (residual / _LOOSE) ** 2)
    before, after = float(np.median(np.abs(ratios))), float(np.median(residual))
    gains = {view.name: float(np.exp(g)) for view, g in zip(views, solution[:n], strict=True)}
    found = Falloff(gains, tuple(float(c) for c in solution[n:]), before, after)
    log.info("cameras differ by %.1f %% in brightness, %.1f %% after correction", 100 * before, 100 * after)
    return found if before > _SLIGHT and after < _WORTH * before else None


def with_falloff(view: View, falloff: Falloff | None) -> View:
    """The view with the brightness of its pixels relative to the others'."""
    if falloff is None or view.name not in falloff.gains:
        return view
    angle = np.arccos(np.clip(view.T_show_camera[:3, 2] @ view.directions, -1.0, 1.0))
    gain = (falloff.at(angle) * falloff.gains[view.name]).astype(np.float32)
    return replace(view, gain=np.clip(gain.reshape(view.weight.shape), 0.2, 5.0))


def _comparisons(
    views: Sequence[View], pictures: Mapping[str, NDArray[np.uint8]], distance: float
) -> tuple[Array, Array]:
    """Rows (M, views + powers) and log ratios (M,) of all pairs of cameras that see the same of many directions."""
    points = distance * _directions(_DIRECTIONS)
    seen = [point_colours(view, pictures[view.name], points, width=_WIDTH) for view in views]
    levels = [np.maximum(s.colour.mean(axis=-1), 1.0) for s in seen]
    valid = [s.valid & (level > _DARKEST) & (level < _BRIGHTEST) for s, level in zip(seen, levels, strict=True)]
    rows, ratios = [], []
    for i, one in enumerate(seen):
        for j, other in enumerate(seen[:i]):
            both = valid[i] & valid[j]
            row = np.zeros((int(both.sum()), len(views) + len(_POWERS)))
            row[:, i], row[:, j] = 1.0, -1.0
            for k, power in enumerate(_POWERS, len(views)):
                row[:, k] = one.angle[both] ** power - other.angle[both] ** power
            rows.append(row)
            ratios.append(np.log(levels[i][both] / levels[j][both]))
    return np.concatenate(rows), np.concatenate(ratios)


def _directions(count: int) -> Array:
    """(count, 3) unit vectors evenly over the sphere: Fibonacci's lattice."""
    k = np.arange(count) + 0.5
    z, turn = 1.0 - 2.0 * k / count, np.pi * (1.0 + np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=-1)
