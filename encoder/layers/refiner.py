"""Layers of one resolution through time: made of coarser ones, refined by what they show, kept where nothing moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoder.layers.enlarge import enlarge, quantise
from encoder.layers.refine import RefineBuffers, RefineConfig, Surfaces, make_buffers, refine
from encoder.msi import change_kernels
from encoder.msi.change import Change
from encoder.msi.focus import focused
from encoder.msi.relight import relight
from encoder.msi.scene import Scene
from encoder.msi.views import Floats, image_with_weight

F = np.float32
Images = Mapping[str, NDArray[np.uint8]]
_MOVED = 24 / 255  # change of a texel's colour or alpha from frame to frame beyond which its details are not kept


class Refiner:
    """Refines the frames of one window, in order.

    Attributes:
        rgba: (L, H, W, 4) uint8 straight colour and alpha of the last frame.
        disparity: (L, H, W) float32, 1/metre; likewise.
    """

    def __init__(self, scene: Scene, borders: Floats, divisor: int) -> None:
        """The layers fill the scene's window and lie between `borders` (L + 1,), 1/metre.

        Args:
            scene: its disparities are not used.
            divisor: texels that are one, across, in what the layers are made of.
        """
        # A layer is looked for in the middle of its range.
        self._scene = replace(scene, disparities=0.5 * (borders[:-1] + borders[1:]))
        self._divisor = divisor
        shape = self._scene.shape
        self._surfaces = Surfaces(np.empty((*shape, 4), np.float32), np.empty(shape, np.float32), borders)
        self._buffers: RefineBuffers | None = None
        self._source: tuple[NDArray[np.uint8], Floats] | None = None
        self.rgba = np.zeros((*shape, 4), np.uint8)
        self.disparity = self._surfaces.disparity

    def advance(
        self,
        rgba: NDArray[np.uint8],
        disparity: Floats,
        images: Images,
        change: Change | None,
        config: RefineConfig,
        *,
        on_step: Callable[[], None],
    ) -> None:
        """Goes on to the next frame; what did not change stays bit by bit.

        Args:
            rgba, disparity: what the layers are made of, (L, h, w, 4) uint8 and (L, h, w) float32; kept.
            images: (height, width, 3) uint8 by the views' names, of those that see anything.
            change: since the last frame; None for the first.
        """
        surfaces, last = self._surfaces, self._source
        self._source = (rgba, disparity)
        pictures = [image_with_weight(view, images.get(view.name)) for view in self._scene.views]
        free = None
        if change is None or last is None:
            enlarge(rgba, disparity, self._divisor, surfaces.layers, surfaces.disparity)
            self._buffers = make_buffers(surfaces)
        else:
            free = self._grown(change.free)
            lit = self._grown(change.lit) & (1 - free)
            relight(surfaces.layers, change.light_of, lit, self._divisor, change.light)
            self._follow(last, self._source, free)
            pictures = focused(self._scene, pictures, free)
        refine(self._scene, pictures, surfaces, config, free=free, buffers=self._buffers, on_step=on_step)
        quantise(surfaces.layers, self.rgba)
        # The farthest layer was opaque for refinement; what no camera sees of it is to be filled, not to be shown.
        self.rgba[0, self._grown((rgba[:1, ..., 3] == 0).astype(np.uint8))[0] != 0, 3] = 0

    def _grown(self, texels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(L, h, w) of what the layers are made of -> (L, H, W)."""
        _, height, width = self.disparity.shape
        large = texels.repeat(self._divisor, axis=1).repeat(self._divisor, axis=2)
        return np.ascontiguousarray(large[:, :height, :width])

    def _follow(
        self, last: tuple[NDArray[np.uint8], Floats], now: tuple[NDArray[np.uint8], Floats], free: NDArray[np.uint8]
    ) -> None:
        """Takes over how what the layers are made of changed: what stayed keeps its details, what moved starts anew."""
        surfaces = self._surfaces
        enlarged = []
        for rgba, disparity in (last, now):
            layers, field = np.empty_like(surfaces.layers), np.empty_like(surfaces.disparity)
            enlarge(rgba, disparity, self._divisor, layers, field)
            enlarged.append((layers, field))
        (old, old_depth), (new, new_depth) = enlarged
        change_kernels.follow(
            surfaces.layers, surfaces.disparity, old, new, old_depth, new_depth, free, surfaces.borders, F(_MOVED)
        )
