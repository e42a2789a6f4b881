"""One interface for the solvers, and time: a frame starts from the one before; what did not change stays bit by bit."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from encoder.layers.refine import RefineConfig
from encoder.msi import change_kernels, relight
from encoder.msi.change import Change
from encoder.msi.descent import DescentBuffers, DescentConfig, descend, make_buffers
from encoder.msi.focus import focused
from encoder.msi.scene import CHOICE_BLOCK, GRID_STRIDE, Scene, choose_views
from encoder.msi.sweep import Renewal, SweepConfig, fresh, sweep
from encoder.msi.views import Floats, View, image_with_weight

if TYPE_CHECKING:
    from encoder.msi.learned import LearnedSolver

log = logging.getLogger(__name__)
F = np.float32
SolverName = Literal["sweep", "descent", "network", "network+descent", "stereo"]
# What descent holds for a texel of a shell: RGBA, gradient, two moments (16 bytes each), prior, votes for what changed
# or scratch of the sweep, whether it may change and was lit.
_BYTES_PER_TEXEL = 86
_NEW = 0.5  # of the votes that a texel needs are not to have been cast in an earlier frame
_LIGHT_GROUP = 4  # neighbouring shells that share their light
_START = SweepConfig(temperature=0.002, radius=0, wide_share=0.0, plain=SweepConfig())
_NETWORK_START = replace(_START, passes=1)


@dataclass(frozen=True)
class SolveConfig:
    """Which solver, and how it goes on from frame to frame.

    Attributes:
        solver: "sweep" alone; or, started by it, "descent", the learned "network", or this and a short descent; or the
            learned "stereo" for two cameras. All but the sweep have layers that are refined by what they show.
        weights: of the network, a file that `lfv train` wrote, or None for those shipped; digest: of that file.
        sweep: how it is swept alone; start: before the others, which want to know of every surface that there may be;
            network_start: before the network, whose steps find out what is hidden.
        descent: the steps of "descent"; short_descent: those behind a network, few and each
            of nearly all cameras: where shells are as good as that, what some cameras say alone moves them away.
        divisor: pixels of a camera, across, that are one where shells are solved by descent; where that leaves
            `smallest` pixels of every camera. A sweep alone has all pixels.
        change_threshold: change of a pixel's 3x3 mean that counts, sRGB in 0..1; noise that is measured raises it.
        empty_share, solid_share: of the cameras that see a texel, by how clearly they do, that must see change before
            it is solved again: where nothing is, and where something is.
        light_radius: pixels over which a change of light is even; most_light: factor beyond which it is none.
        coarse_steps: of refinement at the shells' resolution, before that at full resolution; the latter has both where
            these are the same.
    """

    solver: SolverName = "descent"
    weights: Path | None = None
    digest: str = ""
    sweep: SweepConfig = field(default_factory=SweepConfig)
    start: SweepConfig = _START
    network_start: SweepConfig = _NETWORK_START
    descent: DescentConfig = field(default_factory=DescentConfig)
    short_descent: DescentConfig = field(
        default_factory=lambda: DescentConfig(
            steps=8, cameras=32, colour_rate=0.015, alpha_rate=0.045, sparse_alpha=0.001, least_alpha=0.1
        )
    )
    refine: RefineConfig = field(default_factory=RefineConfig)
    coarse_steps: int = 40
    divisor: int = 2
    smallest: int = 100
    change_threshold: float = 3.0 / 255.0
    empty_share: float = 0.95
    solid_share: float = 0.85
    light_radius: int = 4
    most_light: float = 1.3

    @property
    def first(self) -> SweepConfig:
        """The sweep of this solver."""
        return self.start if self.improves else self.sweep

    @property
    def improves(self) -> bool:
        """Whether shells are improved after the sweep, and layers after the collapse."""
        return self.solver != "sweep"

    @property
    def learned(self) -> bool:
        """Whether a network makes the shells."""
        return self.solver in ("network", "network+descent", "stereo")

    @property
    def descending(self) -> DescentConfig | None:
        """How this solver descends, if it does."""
        return {"descent": self.descent, "network+descent": self.short_descent}.get(self.solver)

    def with_steps(self, steps: int) -> SolveConfig:
        """The same with so many steps of descent and of refinement, and a third more of coarse refinement."""
        return replace(
            self,
            descent=replace(self.descent, steps=steps),
            refine=replace(self.refine, steps=steps),
            coarse_steps=math.ceil(4 * steps / 3),
        )

    def divisor_for(self, views: Sequence[View]) -> int:
        """How many pixels across become one where these cameras' shells are solved."""
        least = min(min(view.model.width, view.model.height) for view in views)
        return self.divisor if self.improves and least >= self.divisor * self.smallest else 1


@dataclass
class WindowSolver:
    """Solves the frames of one group of pictures in one window, in order.

    Attributes:
        change: how the last frame was made of the one before; None where it is the first or nothing changed.
    """

    scene: Scene
    config: SolveConfig
    _state: Renewal | None = None
    _buffers: DescentBuffers | None = None
    _references: list[Floats] = field(default_factory=list)
    _looked: list[Floats] = field(default_factory=list)
    _learned: LearnedSolver | None = None
    change: Change | None = None

    def __post_init__(self) -> None:
        if self.config.learned:
            from encoder.msi.learned import learned_solver  # with torch, which the other solvers do without

            self._learned = learned_solver(self.scene, self.config)

    def solve(self, images: Mapping[str, NDArray[np.uint8]], *, on_step: Callable[[], None] | None = None) -> Floats:
        """(N, H, W, 4) float32 straight RGBA of the next frame; images by the views' names, of those that see anything.

        The array is the solver's: it is not to be written to, and the next frame is solved in it.
        """
        pictures = [image_with_weight(view, images.get(view.name)) for view in self.scene.views]
        if self._state is None:
            self._state, self._references = fresh(self.scene), pictures
            self._looked = [picture.copy() for picture in pictures]
            self._solve(self._state, images, pictures, None, on_step)
            return self._state.shells
        changed = self._differing(pictures, self._references)
        new = [a & b for a, b in zip(changed, self._differing(pictures, self._looked), strict=True)]
        self.change = None
        if any(mask.any() for mask in new):
            self.change = self._renewed(self._state, images, pictures, changed, new, on_step)
            self._remember(self._state.shells, pictures, changed, self.change.free | self.change.lit)
        return self._state.shells

    def _remember(
        self, shells: Floats, pictures: list[Floats], changed: list[NDArray[np.uint8]], renewed: NDArray[np.uint8]
    ) -> None:
        """Takes over, as what the shells were last made from, the pixels that see texels (N, H, W) renewed by them.

        The others wait: what not enough cameras saw change yet may add up to a change that all of them see. But those
        through which renewed texels were looked at are nothing new as long as they stay what they are.
        """
        if not renewed.any():
            return
        scene = self.scene
        for (origin, rays), reference, looked, picture, mask in zip(
            scene.rays, self._references, self._looked, pictures, changed, strict=True
        ):
            seen, crossed = np.empty((2, rays.shape[1]), np.uint8)
            change_kernels.shows(renewed, shells, scene.disparities, scene.vector, origin, rays, seen)
            change_kernels.sees(renewed, scene.disparities, scene.vector, origin, rays, crossed)
            now = (seen.reshape(picture.shape[:2]) != 0) & (picture[..., 3] > 0)
            reference[now] = picture[now]
            now |= (crossed.reshape(picture.shape[:2]) & mask) != 0
            looked[now] = picture[now]

    def _solve(
        self,
        state: Renewal,
        images: Mapping[str, NDArray[np.uint8]],
        pictures: list[Floats],
        free: NDArray[np.uint8] | None,
        on_step: Callable[[], None] | None,
    ) -> None:
        """Solves the texels of `state` that are free, (N, H, W) uint8, or all of them."""
        config = self.config
        if self._learned is None:
            sweep(self.scene, pictures, config.first, renewing=state)
        else:
            self._learned.solve(images, state.shells, free=free)
        if config.descending is not None:
            self._buffers = self._buffers or make_buffers(state.shells)
            walk, buffers = config.descending, self._buffers
            pictures = pictures if free is None else focused(self.scene, pictures, free)
            descend(self.scene, pictures, state.shells, walk, free=free, buffers=buffers, on_step=on_step)

    def _differing(self, pictures: list[Floats], others: list[Floats]) -> list[NDArray[np.uint8]]:
        """(height, width) uint8 of each view: pixels that are not those of the others, in whatever light."""
        steady = [np.ones((*picture.shape[:2], 3), np.float32) for picture in pictures]
        return [_unlike(*each, self.config) for each in zip(pictures, others, steady, strict=True)]

    def _agreed(
        self,
        shells: Floats,
        pictures: list[Floats],
        moved: list[NDArray[np.uint8]],
        changed: list[NDArray[np.uint8]],
        share: float = 1.0,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """(N, H, W) uint8 texels of which the cameras that see them say that they moved, and that they changed.

        `share` of what is enough otherwise is enough.
        """
        scene = self.scene
        votes = np.zeros((*scene.shape, 3), np.float32)
        for picture, (origin, rays), *masks in zip(pictures, scene.rays, moved, changed, strict=True):
            lists = (picture[..., 3].ravel(), *(mask.ravel() for mask in masks))
            change_kernels.vote(shells, scene.disparities, scene.vector, origin, rays, *lists, votes)
        out = np.empty(scene.shape, np.uint8), np.empty(scene.shape, np.uint8)
        empty, solid = F(share * self.config.empty_share), F(share * self.config.solid_share)
        for choice, texels in enumerate(out, 1):
            change_kernels.elect(votes, choice, shells, empty, solid, texels)
        return out

    def _renewed(
        self,
        state: Renewal,
        images: Mapping[str, NDArray[np.uint8]],
        pictures: list[Floats],
        changed: list[NDArray[np.uint8]],
        new: list[NDArray[np.uint8]],
        on_step: Callable[[], None] | None,
    ) -> Change:
        ratios, moved = light_and_motion(pictures, self._references, self.config)
        free, lit = self._agreed(state.shells, pictures, moved, changed)
        moved = [a & b for a, b in zip(moved, new, strict=True)]
        newly = self._agreed(state.shells, pictures, moved, new, _NEW)
        free &= newly[0]
        lit &= newly[1]
        lit &= 1 - free
        log.info("%.1f %% of the texels moved, %.1f %% were lit otherwise", 100 * free.mean(), 100 * lit.mean())
        groups = np.arange(0, len(state.shells), _LIGHT_GROUP)
        light = np.empty((len(groups), *self.scene.shape[1:], 3), np.float32)
        chosen = choose_views(self.scene, self.config.first.cameras)
        middles = np.minimum(groups + _LIGHT_GROUP // 2, len(state.shells) - 1)
        relight.texel_ratio(ratios, self.scene.grids, GRID_STRIDE, chosen, CHOICE_BLOCK, middles, light)
        change = Change(free, lit, light, np.arange(len(state.shells)) // _LIGHT_GROUP)
        relight.relight(state.shells, change.light_of, lit, 1, light)
        if free.any():
            self._solve(replace(state, free=free), images, pictures, free, on_step)
        return change


def bytes_per_texel(config: SolveConfig) -> int:
    """What a solver holds for each texel of its shells. Raises FormatError, StorageError: weights cannot be used."""
    if config.learned:
        from encoder.msi.learned import learned_bytes

        return learned_bytes(config)
    return _BYTES_PER_TEXEL


def light_and_motion(
    pictures: Sequence[Floats], references: Sequence[Floats], config: SolveConfig
) -> tuple[Floats, list[NDArray[np.uint8]]]:
    """How the views' pictures (height, width, 4) differ from what they were.

    Returns:
        Ratios of light (C, Hmax, Wmax, 3) float32, 0 beyond a picture, and (height, width) uint8 of each view: pixels
        that light does not explain.
    """
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    ratios, moved = np.zeros((len(pictures), height, width, 3), np.float32), []
    for picture, reference, target in zip(pictures, references, ratios, strict=True):
        ratio = np.empty((picture.shape[0], picture.shape[1], 3), np.float32)
        relight.light_ratio(picture, reference, config.light_radius, ratio)
        target[: ratio.shape[0], : ratio.shape[1]] = ratio * (picture[..., 3:] > 0)
        moved.append(_unlike(picture, reference, ratio, config))
    return ratios, moved


def _unlike(picture: Floats, reference: Floats, ratio: Floats, config: SolveConfig) -> NDArray[np.uint8]:
    """(height, width) uint8: pixels, and those around, that are not the reference in this light."""
    mask: NDArray[np.uint8] = np.empty(picture.shape[:2], np.uint8)
    grown = np.empty_like(mask)
    threshold = F(max(config.change_threshold, 3.0 * _noise(picture, reference)))
    relight.moved_pixels(picture, reference, ratio, F(config.most_light), threshold, mask)
    change_kernels.dilate(mask, 2, grown)
    return grown & (picture[..., 3] > 0)


def _noise(picture: Floats, reference: Floats) -> float:
    """Of the difference of two pictures; between neighbours, so that light that changes everywhere is no noise."""
    difference = picture[..., :3] - reference[..., :3]
    return float(np.median(np.abs(np.diff(difference, axis=1)))) / math.sqrt(2.0)
