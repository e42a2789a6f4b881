"""One interface for the solvers, and time: a frame starts from the one before, and what did not change stays bit by bit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from encoder.msi import change_kernels
from encoder.msi.descent import DescentConfig, descend
from encoder.msi.scene import CHOICE_BLOCK, GRID_STRIDE, Scene, choose_views
from encoder.msi.sweep import SweepConfig, sweep
from encoder.msi.views import Floats, image_with_weight

log = logging.getLogger(__name__)
F = np.float32
SolverName = Literal["sweep", "descent"]


@dataclass(frozen=True)
class SolveConfig:
    """Which solver, and how it goes on from frame to frame.

    Attributes:
        solver: "sweep" alone, or "descent" from it.
        change_threshold: change of a pixel's 3x3 mean that counts, sRGB in 0..1; noise that is measured raises it.
        change_share: of a texel's source cameras that must see change before it is solved again.
        later_steps: steps of descent in the frames after the first, as a share of the first frame's.
    """

    solver: SolverName = "descent"
    sweep: SweepConfig = field(default_factory=SweepConfig)
    descent: DescentConfig = field(default_factory=DescentConfig)
    change_threshold: float = 3.0 / 255.0
    change_share: float = 0.3
    later_steps: float = 0.5


@dataclass
class WindowSolver:
    """Solves the frames of one group of pictures in one window, in order."""

    scene: Scene
    config: SolveConfig
    _shells: Floats | None = None
    _references: list[Floats] | None = None

    def solve(self, images: Mapping[str, NDArray[np.uint8]], *, on_step: Callable[[], None] | None = None) -> Floats:
        """(N, H, W, 4) float32 straight RGBA of the next frame; images by the views' names. Not to be written to."""
        pictures = [image_with_weight(view, images[view.name]) for view in self.scene.views]
        if self._shells is None or self._references is None:
            self._shells, self._references = self._fresh(pictures, on_step), pictures
            return self._shells
        changed = self._changed(pictures)
        if any(mask.any() for mask in changed):
            self._shells = self._renewed(self._shells, pictures, changed, on_step)
        for reference, picture, mask in zip(self._references, pictures, changed, strict=True):
            reference[mask != 0] = picture[mask != 0]
        return self._shells

    def _fresh(self, pictures: list[Floats], on_step: Callable[[], None] | None) -> Floats:
        shells = sweep(self.scene, pictures, self.config.sweep)
        if self.config.solver == "descent":
            descend(self.scene, pictures, shells, self.config.descent, on_step=on_step)
        return shells

    def _changed(self, pictures: list[Floats]) -> list[NDArray[np.uint8]]:
        out = []
        for picture, reference in zip(pictures, self._references or [], strict=True):
            noise = float(np.median(np.abs(picture[..., :3] - reference[..., :3])))
            mask = np.empty(picture.shape[:2], np.uint8)
            grown = np.empty_like(mask)
            change_kernels.changed_pixels(
                picture, reference, F(max(self.config.change_threshold, 3.0 * noise)), mask
            )
            change_kernels.dilate(mask, 2, grown)
            out.append(grown)
        return out

    def _renewed(
        self,
        before: Floats,
        pictures: list[Floats],
        changed: list[NDArray[np.uint8]],
        on_step: Callable[[], None] | None,
    ) -> Floats:
        stack = np.zeros((len(changed), *(max(m.shape[a] for m in changed) for a in (0, 1))), np.uint8)
        for target, mask in zip(stack, changed, strict=True):
            target[: mask.shape[0], : mask.shape[1]] = mask
        active = np.empty(self.scene.shape, np.bool_)
        chosen = choose_views(self.scene, self.config.sweep.cameras)
        change_kernels.touched(
            stack, self.scene.grids, GRID_STRIDE, chosen, CHOICE_BLOCK, F(self.config.change_share), active
        )
        log.info("%.1f %% of the texels changed", 100 * float(active.mean()))
        shells = sweep(self.scene, pictures, self.config.sweep)
        np.copyto(shells, before, where=~active[..., None])
        if self.config.solver == "sweep":
            return shells
        focused = []
        for picture, mask in zip(pictures, changed, strict=True):
            grown = np.empty_like(mask)
            change_kernels.dilate(mask, 4, grown)
            target = picture.copy()
            target[..., 3] *= grown
            focused.append(target)
        steps = max(1, round(self.config.descent.steps * self.config.later_steps))
        return descend(
            self.scene,
            focused,
            shells,
            replace(self.config.descent, steps=steps),
            active=active,
            on_step=on_step,
        )
