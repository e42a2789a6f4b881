"""Near and far by a coarse sweep, and whether the cameras see anything in common at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoder.msi.scene import Scene
from encoder.msi.sweep import SweepConfig, fresh, sweep
from encoder.msi.sweep_kernels import box_blur
from encoder.msi.views import Floats, View, image_with_weight
from encoder.rig.camera import Camera
from encoder.rig.view import angular_window
from protocol.errors import RigError
from protocol.geometry import Array
from protocol.projection import ShellKind, shell_disparities

_SHELLS = 96
_TEXELS = 40_000  # of the coarse grid
_NEAREST = 1.25  # of the rig's radius
_FARTHEST = 60.0  # of the rig's extent, or where its cameras differ by half a pixel
_FEWEST = 20  # sure texels that make a surface
_NEARER = 0.36  # of what is sure: small and moving things nearer than that are seldom sure, and are missed most
_FARTHER = 2.5  # likewise, and costs few shells
_ROUNDS = 3  # each looks more closely at the range that the one before found
_DONE = 1.3  # times near: what the next round would gain less than is not worth it
_NARROW = 1.5  # times near: a range that ends before is luck
_RADIUS = 2
_UNSEEN = 0.02
_DISTINCT = 3.0  # times the best cost: what the best of the other shells costs where a texel is sure
_TEXTURE = 0.001  # and by how much more
_WIDTH = 4  # shells on both sides of the best that are no others
_SAME = 2  # shells that neighbours on one surface may lie apart
_CHANCE = 0.8  # of the cost of pictures that have nothing to do with each other: no more than luck


@dataclass(frozen=True)
class Survey:
    """What a coarse sweep over a range found.

    Attributes:
        near, far: of the surfaces of which it is sure, with margins; None where there are none.
        cost: mean over texels that two cameras see of the best shell's cost.
        points: (P, 3) of what the origin sees, show frame, whether it is sure of it or not.
    """

    near: float | None
    far: float | None
    cost: float
    points: Array


@dataclass(frozen=True)
class Surroundings:
    """The first frame as the search sees it.

    Attributes:
        sources, cameras: the same cameras, as solvers and as rigs know them, show frame.
        pictures: (height, width, 3) uint8 by name.
        kind, density, seen_by: of the show's grid.
    """

    sources: Sequence[View]
    cameras: Sequence[Camera]
    pictures: Mapping[str, NDArray[np.uint8]]
    kind: ShellKind
    density: float
    seen_by: int


def find_near_far(first: Surroundings) -> tuple[float, float]:
    """Nearest and farthest surface of the first frame, in the rig's units, with margins.

    Where nothing is sure it is all that the rig could tell apart; `check_common` says whether there is anything.

    Raises:
        RigError: the cameras stand in one place.
    """
    centres = np.stack([view.origin for view in first.sources])
    extent = float(np.linalg.norm(centres[:, None] - centres[None], axis=-1).max())
    radius = float(np.linalg.norm(centres, axis=1).max())
    near, far = _NEAREST * max(radius, 0.5 * extent), extent * max(_FARTHEST, 2.0 * first.density)
    if not 0 < near < far:
        raise RigError("the cameras all stand in one place; depth cannot be told, check the calibration's translations")
    least, most = near, far
    for _ in range(_ROUNDS):
        found = survey(first, near, far)
        if found.near is None or found.far is None or found.far < _NARROW * found.near:
            break
        done = found.near < _DONE * near
        near, far = max(near, found.near), min(far, found.far)
        if done:
            break
    return max(least, _NEARER * near), min(most, _FARTHER * far)


def check_common(first: Surroundings, near: float, far: float) -> Survey:
    """What a survey of the range finds, if the cameras agree better than with every second picture upside down.

    Raises:
        RigError: they see nothing in common.
    """
    turned = {
        view.name: np.ascontiguousarray(first.pictures[view.name][:: 1 - 2 * (index % 2), :: 1 - 2 * (index % 2)])
        for index, view in enumerate(first.sources)
    }
    found = survey(first, near, far)
    if not found.cost < _CHANCE * survey(replace(first, pictures=turned), near, far).cost:
        raise RigError(
            f"the cameras see nothing in common from {near:.3g} to {far:.3g} away, in the calibration's units; check "
            "that the calibration belongs to this footage and that the cameras filmed at the same time, or give --near "
            "and --far"
        )
    return found


def survey(first: Surroundings, near: float, far: float) -> Survey:
    """Sweeps the range coarsely."""
    window = angular_window(first.cameras, first.kind, near=near, far=far, density=first.density, seen_by=first.seen_by)
    coarse = first.density * math.sqrt(min(1.0, _TEXELS / (window.width * window.height)))
    window = angular_window(first.cameras, first.kind, near=near, far=far, density=coarse, seen_by=first.seen_by)
    scene = Scene(window, shell_disparities(_SHELLS, near=near, far=far).astype(np.float32), tuple(first.sources))
    images = [image_with_weight(view, first.pictures[view.name]) for view in first.sources]
    state = fresh(scene)
    sweep(scene, images, SweepConfig(passes=1, radius=_RADIUS, unseen=_UNSEEN), renewing=state)
    costs, scratch = np.empty_like(state.costs), np.empty_like(state.costs)
    box_blur(state.costs, _RADIUS, scratch, costs)
    seen = (state.costs != np.float32(_UNSEEN)).mean(axis=0)
    if not (seen > 0.5).any():
        return Survey(None, None, math.inf, np.empty((0, 3)))
    best, at = costs.min(axis=0), costs.argmin(axis=0)
    apart = np.abs(np.arange(_SHELLS)[:, None, None] - at) > _WIDTH
    second = np.where(apart, costs, np.float32(np.inf)).min(axis=0)
    shell = _front(state.shells[..., 3]).argmax(axis=0)
    # Where few shells are seen, the best of them has little to compete with.
    sure = (seen > 0.9) & (second > _DISTINCT * best) & (second - best > _TEXTURE) & (np.abs(at - shell) <= _SAME)
    found = np.sort(shell[sure & _agrees(shell, sure)])
    cost = float(best[seen > 0.5].mean())
    d = scene.disparities.astype(np.float64)
    points = _points(scene, _front(state.shells[..., 3]), seen > 0.5)
    if len(found) < _FEWEST:
        return Survey(None, None, cost, points)
    step = d[1] - d[0]
    # A thing as small as a hand is near when it is there at all; what is far costs few shells, and is kept.
    top = min(d[-1], d[found[-_FEWEST]] + 2 * step)
    bottom = d[0] if found[_FEWEST] < _SHELLS // 10 else d[found[_FEWEST]] - 2 * step
    return Survey(float(1.0 / top), float(1.0 / bottom), cost, points)


def _points(scene: Scene, weights: Floats, seen: NDArray[np.bool_]) -> Array:
    """(P, 3) expected places of the texels (H, W) that are seen; `weights` (N, H, W) of the shells."""
    rows, columns = np.nonzero(seen)
    directions = scene.window.directions(np.stack([columns + 0.5, rows + 0.5], axis=-1))
    disparity = np.einsum("nhw,n->hw", weights, scene.disparities.astype(np.float64))
    return np.asarray(directions / np.maximum(disparity[rows, columns], 1e-9)[:, None])


def _front(alpha: Floats) -> Floats:
    """(N, H, W) weights of the shells in the view from the origin."""
    weights, left = np.empty_like(alpha), np.ones(alpha.shape[1:], np.float32)
    for i in reversed(range(len(alpha))):
        weights[i] = left * alpha[i]
        left -= weights[i]
    return weights


def _agrees(shell: NDArray[np.int64], sure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether half of the 5x5 texels about a texel are sure of nearly the same shell."""
    height, width = shell.shape
    padded = np.pad(np.where(sure, shell, -1000), 2, constant_values=-1000)
    same = np.zeros(shell.shape, np.int64)
    for y in range(5):
        for x in range(5):
            same += np.abs(padded[y : y + height, x : x + width] - shell) <= _SAME
    return same >= 12
