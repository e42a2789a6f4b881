"""Cameras and windows at a fraction of their resolution: shells are solved there, layers are refined at all of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from encoder.capture.resize import scaled_size, shrink_mask, shrink_picture
from encoder.msi.scene import Scene
from encoder.msi.views import View, make_view
from protocol.projection import Projection


def coarse_scene(scene: Scene, divisor: int) -> Scene:
    """The same shells and cameras, texels and pixels `divisor` times as large."""
    if divisor == 1:
        return scene
    views = tuple(coarse_view(view, divisor) for view in scene.views)
    return Scene(coarse_window(scene.window, divisor), scene.disparities, views)


def coarse_window(window: Projection, divisor: int) -> Projection:
    """The window with texels `divisor` times as large, rounded up to whole ones."""
    return replace(
        window,
        width=-(-window.width // divisor),
        height=-(-window.height // divisor),
        density=window.density / divisor,
        wraps=False,
    )


def coarse_view(view: View, divisor: int) -> View:
    """The camera with pixels `divisor` times as large; a pixel counts where all that it covers does."""
    if divisor == 1:
        return view
    scale = Fraction(1, divisor)
    width, height = scaled_size(view.model.width, view.model.height, scale)
    weight = shrink_mask(view.weight > 0, scale)
    small = make_view(view.name, view.model.scaled(scale, width, height), view.T_show_camera, weight)
    gain = None if view.gain is None else view.gain[divisor // 2 :: divisor, divisor // 2 :: divisor]
    if gain is not None:
        gain = np.pad(gain, [(0, height - gain.shape[0]), (0, width - gain.shape[1])], mode="edge")
    return replace(small, gain=gain, colour=view.colour)


def coarse_picture(picture: NDArray[np.uint8], divisor: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 by pixel-area averaging, as `coarse_view` expects it."""
    return np.asarray(shrink_picture(picture, Fraction(1, divisor)), np.uint8)
