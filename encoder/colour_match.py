"""Cameras of one rig see one thing in slightly different colours; here they are brought to what most of them see.

Cameras differ in exposure and white balance by several levels even where they were set alike. For photo-consistency
this is no match, and a solver that must explain it paints veils over plain walls. One gain and one offset for each
channel of each camera, sRGB, make the surfaces that a coarse sweep found look alike: all of them at once, by least
squares over all cameras that see a point, with weights that make light of highlights and of what is hidden.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoder.msi.views import Floats, View
from encoder.point_colours import point_colours
from protocol.geometry import Array

log = logging.getLogger(__name__)

_WIDTH = 192  # of the pictures that are compared
_DARKEST, _BRIGHTEST = 6.0, 248.0  # of 255; beyond, a picture may be clipped
_LOOSE = 6.0 / 255  # differences from here on count less
_ROUNDS = 12
_FEWEST = 500  # points that two cameras see
_ALIKE = 0.3  # logarithm of the factor from the middle gain within which cameras were meant to be set alike
_PULL = 3e-4  # towards no change, in shares of a camera's comparisons
_WORTH = 0.77  # a correction that leaves more than this share of the differences is none
_SLIGHT = 0.5 / 255  # differences that need no correction


@dataclass(frozen=True, eq=False)
class ColourMatch:
    """What makes the cameras' colours alike.

    Attributes:
        maps: by camera (2, 3) float32: gain and offset, sRGB in 0..1, that its colours are taken through.
        before, after: median difference of a camera from the mean of all that see the same point, in 0..1.
    """

    maps: Mapping[str, Floats]
    before: float
    after: float


def match_colours(
    views: Sequence[View], pictures: Mapping[str, NDArray[np.uint8]], points: Array
) -> ColourMatch | None:
    """The colour maps that make the cameras agree, or None where there is nothing to correct.

    Args:
        pictures: (height, width, 3) uint8 sRGB of each view.
        points: (P, 3) of surfaces, show frame.
    """
    seen = [point_colours(view, pictures[view.name], points, width=_WIDTH) for view in views]
    colour = np.stack([s.colour for s in seen])
    valid = np.stack([s.valid for s in seen])
    valid &= ((colour > _DARKEST) & (colour < _BRIGHTEST)).all(axis=-1)
    colour /= 255.0
    for view, values in zip(views, colour, strict=True):
        if view.gain is not None:
            values /= float(np.median(view.gain))
    useful = valid.sum(axis=0) >= 2
    if useful.sum() < _FEWEST:
        return None
    colour, valid = colour[:, useful], valid[:, useful]
    solved = [_solve(colour[..., channel], valid) for channel in range(3)]
    before, after = (float(np.mean([pair[k] for _, *pair in solved])) for k in (0, 1))
    log.info("cameras differ by %.1f levels in colour, %.1f after correction", 255 * before, 255 * after)
    if before < _SLIGHT or after > _WORTH * before:
        return None
    table = np.stack([maps for maps, *_ in solved], axis=-1).astype(np.float32)
    return ColourMatch({view.name: found for view, found in zip(views, table, strict=True)}, before, after)


def with_colours(view: View, match: ColourMatch | None) -> View:
    """The view with its colour map, where there is one."""
    if match is None or view.name not in match.maps:
        return view
    return replace(view, colour=match.maps[view.name])


def _solve(values: Array, valid: NDArray[np.bool_]) -> tuple[Array, float, float]:
    """One channel: values (C, P) in 0..1 -> (C, 2) gains and offsets, and the median differences before and after.

    Minimises sum w_cp (a_c x_cp + b_c - m_p)^2 where m_p is the weighted mean of the mapped values of a point, with the
    mean of all maps held to the identity, and then with that of those that are much alike: a camera that was set quite
    differently does not draw the others. Reweighted as for Cauchy's distribution. Cameras without a valid value keep
    what they have.
    """
    known = valid.any(axis=1)
    maps = np.tile([1.0, 0.0], (len(values), 1))
    values, valid = values[known], valid[known]
    cameras = len(values)
    weight = valid.astype(np.float64)
    unknown = np.tile([1.0, 0.0], cameras)
    identity = unknown.copy()
    before = _differences(values, weight)
    for _ in range(_ROUNDS):
        features = np.stack([values, np.ones_like(values)], axis=-1) * weight[..., None]  # (C, P, 2)
        rows = features.transpose(1, 0, 2).reshape(values.shape[1], 2 * cameras)
        total = np.maximum(weight.sum(axis=0), 1e-9)
        matrix = -(rows / total[:, None]).T @ rows
        own = np.einsum("cpi,cpj->cij", features, np.stack([values, np.ones_like(values)], axis=-1))
        for c in range(cameras):
            matrix[2 * c : 2 * c + 2, 2 * c : 2 * c + 2] += own[c]
        pull = _PULL * np.repeat(np.maximum(weight.sum(axis=1), 1.0), 2)
        matrix[np.diag_indices_from(matrix)] += pull
        target = pull * identity
        for part in (0, 1):  # the mean gain is 1, the mean offset 0
            held = np.zeros(2 * cameras)
            held[part::2] = 1.0
            matrix += weight.sum() * np.outer(held, held)
            target += weight.sum() * held * (held @ identity)
        unknown = np.linalg.solve(matrix, target)
        gain, offset = unknown[0::2], unknown[1::2]
        logs = np.log(np.maximum(gain, 1e-6))
        alike = np.abs(logs - np.sort(logs)[cameras // 2]) < _ALIKE  # from a camera's own: one at least is alike
        middle = float(gain[alike].mean())
        gain, offset = gain / middle, (offset - float(offset[alike].mean())) / middle
        mapped = values * gain[:, None] + offset[:, None]
        mean = (mapped * weight).sum(axis=0) / total
        weight = valid / (1.0 + ((mapped - mean) / _LOOSE) ** 2)
    maps[known] = np.stack([gain, offset], axis=-1)
    return maps, _median(before, valid), _median(_differences(mapped, weight), valid)


def _differences(values: Array, weight: Array) -> Array:
    """(C, P) distance of each value from its point's weighted mean."""
    mean = (values * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    return np.abs(values - mean)


def _median(values: Array, valid: NDArray[np.bool_]) -> float:
    return float(np.median(values[valid]))
