"""One angular tile through a group of pictures: shells, their collapse, and layers refined at full resolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoder.atlas.dilate import fill_colours
from encoder.layers.collapse import collapse
from encoder.layers.enlarge import spread_disparity
from encoder.layers.refine import surface_borders
from encoder.layers.refiner import Images, Refiner
from encoder.msi import visibility_kernels
from encoder.msi.change import Change
from encoder.msi.coarse import coarse_picture, coarse_scene
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig, WindowSolver
from encoder.msi.views import Floats, View
from encoder.stopwatch import Stopwatch
from protocol.projection import Projection

F = np.float32
_SPREAD = 4  # coarse texels by which disparity is carried into what is empty


class TileSolver:
    """Solves the frames of a group of pictures in one window, in order; `rgba` and `disparity` are the last one's.

    Attributes:
        rgba: (L, H, W, 4) uint8 straight colour and alpha of the layers in the window.
        disparity: (L, H, W) float32, 1/metre.
        scene, shells: what was solved before the collapse, at the shells' resolution.
        collapsed: (L, h, w, 4) uint8 and (L, h, w) float32, what became of the shells, before refinement.
    """

    def __init__(
        self,
        window: Projection,
        disparities: Floats,
        sources: tuple[View, ...],
        borders: NDArray[np.int64],
        config: SolveConfig,
        *,
        least_weight: float,
    ) -> None:
        self._divisor = config.divisor_for(sources)
        self._config, self._borders, self._least = config, borders, least_weight
        self.scene = coarse_scene(Scene(window, disparities, sources), self._divisor)
        self._solver = WindowSolver(self.scene, config)
        between = surface_borders(borders, disparities)
        self._coarse = Refiner(self.scene, between, 1) if self._divisor > 1 else None
        self._fine = Refiner(Scene(window, disparities, sources), between, self._divisor)
        self.rgba, self.disparity = self._fine.rgba, self._fine.disparity
        self.shells: Floats = np.empty(0, np.float32)
        self.collapsed = (np.empty(0, np.uint8), np.empty(0, np.float32))

    @property
    def steps(self) -> int:
        """How often `on_step` is called for the first frame."""
        config = self._config
        if not config.improves:
            return 0
        descending = 0 if config.descending is None else config.descending.steps
        return descending + config.coarse_steps + config.refine.steps

    def solve(self, images: Images, *, on_step: Callable[[], None], watch: Stopwatch) -> None:
        """The next frame; images (height, width, 3) uint8 by the views' names, of those that see anything."""
        first = not self.shells.size
        with watch.stage("solve"):
            small = {name: coarse_picture(image, self._divisor) for name, image in images.items()}
            self.shells = self._solver.solve(small, on_step=on_step)
        change = None if first else self._change()
        if not first and change is None:
            return
        with watch.stage("collapse"):
            rgba, disparity = self.collapsed = self._collapse()
        if not self._config.improves:
            self.rgba, self.disparity = rgba, disparity
            return
        with watch.stage("refine"):
            config, coarse_steps = self._config.refine, self._config.coarse_steps
            if self._coarse is None:
                config = replace(config, steps=config.steps + coarse_steps)
            else:
                coarse = replace(config, steps=coarse_steps)
                self._coarse.advance(rgba, disparity, small, change, coarse, on_step=on_step)
                rgba, disparity = self._coarse.rgba.copy(), self._coarse.disparity.copy()
                spread_disparity(disparity, rgba, _SPREAD)
            self._fine.advance(rgba, disparity, images, change, config, on_step=on_step)

    def _change(self) -> Change | None:
        """What the solver found to have changed since the last frame, by layers; None for nothing."""
        change = self._solver.change
        if change is None:
            return None
        middles = (self._borders[:-1] + self._borders[1:]) // 2
        free, lit = (np.maximum.reduceat(texels, self._borders[:-1], axis=0) for texels in (change.free, change.lit))
        return replace(change, free=free, lit=lit, light_of=change.light_of[middles])

    def _collapse(self) -> tuple[NDArray[np.uint8], Floats]:
        scene, count = self.scene, len(self._borders) - 1
        seen = np.zeros(scene.shape, np.float32)
        for view, (origin, rays) in zip(scene.views, scene.rays, strict=True):
            weights = view.weight.ravel()
            visibility_kernels.visible_weight(self.shells, scene.disparities, scene.vector, origin, rays, weights, seen)
        rgba = np.empty((count, *scene.shape[1:], 4), np.uint8)
        disparity = np.empty((count, *scene.shape[1:]), np.float32)
        collapse(self.shells, scene.disparities, self._borders, seen, F(self._least), rgba, disparity)
        if self._config.improves:
            fill_colours(rgba)
            spread_disparity(disparity, rgba, _SPREAD)
        return rgba, disparity
