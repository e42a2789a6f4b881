"""One angular tile through a group of pictures: shells, their collapse, and layers refined at full resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoder.layers.collapse import collapse
from encoder.layers.enlarge import enlarge, quantise, spread_disparity
from encoder.layers.refine import RefineBuffers, Surfaces, make_buffers, refine, surface_borders
from encoder.msi import change_kernels, kernels
from encoder.msi.coarse import coarse_picture, coarse_view, coarse_window
from encoder.msi.relight import relight
from encoder.msi.scene import Scene
from encoder.msi.solve import LIGHT_GROUP, SolveConfig, WindowSolver, focused
from encoder.msi.views import Floats, View, image_with_weight
from encoder.stopwatch import Stopwatch
from protocol.projection import Projection

F = np.float32
Images = Mapping[str, NDArray[np.uint8]]
_SPREAD = 4  # coarse texels by which disparity is carried into what is empty
_MOVED = 24 / 255  # change of a texel's colour or alpha from frame to frame beyond which its details are not kept


class TileSolver:
    """Solves the frames of a group of pictures in one window, in order; `rgba` and `disparity` are the last one's.

    Attributes:
        rgba: (L, H, W, 4) uint8 straight colour and alpha of the layers in the window.
        disparity: (L, H, W) float32, 1/metre.
        scene, shells: what was solved before the collapse, at the shells' resolution.
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
        coarse = tuple(coarse_view(view, self._divisor) for view in sources)
        self.scene = Scene(coarse_window(window, self._divisor), disparities, coarse)
        self._solver = WindowSolver(self.scene, config)
        self._fine = Scene(window, disparities, sources)
        count = len(borders) - 1
        self._coarse_rgba = np.zeros((count, *self.scene.shape[1:], 4), np.uint8)
        self._coarse_disparity = np.zeros((count, *self.scene.shape[1:]), np.float32)
        self._surfaces: Surfaces | None = None
        self._buffers: RefineBuffers | None = None
        self.rgba = np.zeros((count, window.height, window.width, 4), np.uint8)
        self.disparity = np.zeros((count, window.height, window.width), np.float32)
        self.shells: Floats = np.empty(0, np.float32)

    @property
    def steps(self) -> int:
        """How often `on_step` is called for the first frame."""
        return self._config.descent.steps + self._config.refine.steps if self._config.solver == "descent" else 0

    def solve(self, images: Images, *, on_step: Callable[[], None], watch: Stopwatch) -> None:
        """The next frame; images (height, width, 3) uint8 by the views' names."""
        with watch.stage("solve"):
            small = {name: coarse_picture(image, self._divisor) for name, image in images.items()}
            self.shells = self._solver.solve(small, on_step=on_step)
        with watch.stage("collapse"):
            rgba, disparity = self._collapsed()
        if self._config.solver == "sweep":
            self.rgba, self.disparity = rgba, disparity
            return
        with watch.stage("refine"):
            self._refine(images, rgba, disparity, on_step)
        self._coarse_rgba, self._coarse_disparity = rgba, disparity

    def _collapsed(self) -> tuple[NDArray[np.uint8], Floats]:
        scene = self.scene
        seen = np.zeros(scene.shape, np.float32)
        for view, (origin, rays) in zip(scene.views, scene.rays, strict=True):
            weights = view.weight.ravel()
            kernels.visible_weight(self.shells, scene.disparities, scene.vector, origin, rays, weights, seen)
        rgba, disparity = np.empty_like(self._coarse_rgba), np.empty_like(self._coarse_disparity)
        collapse(self.shells, scene.disparities, self._borders, seen, F(self._least), rgba, disparity)
        if self._config.solver == "descent":
            spread_disparity(disparity, rgba, _SPREAD)
        return rgba, disparity

    def _refine(self, images: Images, rgba: NDArray[np.uint8], disparity: Floats, on_step: Callable[[], None]) -> None:
        """Refines what changed; the rest stays bit by bit."""
        config = self._config.refine
        surfaces = self._surfaces
        if surfaces is None:
            surfaces = Surfaces(
                np.empty(self.rgba.shape, np.float32),
                np.empty(self.disparity.shape, np.float32),
                surface_borders(self._borders, self.scene.disparities),
            )
            enlarge(rgba, disparity, self._divisor, surfaces.layers, surfaces.disparity)
            self._surfaces, self._buffers = surfaces, make_buffers(surfaces)
            free = None
        else:
            found, lit, light = self._solver.free, self._solver.lit, self._solver.light
            if found is None or lit is None or light is None:
                return
            free = self._layer_texels(found)
            middles = (self._borders[:-1] + self._borders[1:]) // 2
            where = self._layer_texels(lit) & (1 - free)
            relight(surfaces.layers, middles // LIGHT_GROUP, where, self._divisor, light)
            self._follow(surfaces, rgba, disparity, free)
            if not free.any():
                quantise(surfaces.layers, self.rgba)
                return
            config = replace(config, steps=max(1, round(config.steps * self._config.later_steps)))
        pictures = [image_with_weight(view, images[view.name]) for view in self._fine.views]
        if free is not None:
            middle = 0.5 * (surfaces.borders[:-1] + surfaces.borders[1:])
            pictures = focused(replace(self._fine, disparities=middle), pictures, free)
        refine(self._fine, pictures, surfaces, config, free=free, buffers=self._buffers, on_step=on_step)
        quantise(surfaces.layers, self.rgba)
        self.disparity = surfaces.disparity

    def _layer_texels(self, texels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Texels of the coarse shells (N, h, w) -> (L, H, W) of the layers that they are in."""
        height, width = self.rgba.shape[1:3]
        out = np.empty(self.disparity.shape, np.uint8)
        for target, low, high in zip(out, self._borders[:-1], self._borders[1:], strict=True):
            any_shell = texels[low:high].max(axis=0)
            large = any_shell.repeat(self._divisor, axis=0).repeat(self._divisor, axis=1)
            target[...] = large[:height, :width]
        return out

    def _follow(self, surfaces: Surfaces, rgba: NDArray[np.uint8], disparity: Floats, free: NDArray[np.uint8]) -> None:
        """Takes over how the coarse layers changed since the last frame, in free texels.

        What stayed where it is keeps its details, what moved starts anew.
        """
        new, new_depth = np.empty_like(surfaces.layers), np.empty_like(surfaces.disparity)
        old, old_depth = np.empty_like(surfaces.layers), np.empty_like(surfaces.disparity)
        enlarge(rgba, disparity, self._divisor, new, new_depth)
        enlarge(self._coarse_rgba, self._coarse_disparity, self._divisor, old, old_depth)
        change_kernels.follow(
            surfaces.layers, surfaces.disparity, old, new, old_depth, new_depth, free, surfaces.borders, F(_MOVED)
        )
