"""Cameras as the solvers see them: rays in a window's frame, and images with a weight per pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol import geometry
from protocol.projection import Projection

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One camera in the show's frame.

    Attributes:
        model: the camera model (`project`, `unproject`, `width`, `height`) at the size of the images.
        T_show_camera: (4, 4) pose.
        directions: (3, height * width) float32 unit rays of the pixel centres, show frame.
        weight: (height, width) float32, 0 where the camera sees nothing of use (mask, outside of the lens).
        gain: (height, width) float32 brightness of the pixels relative to the other cameras'; None where equal.
        colour: (2, 3) float32 gain and offset by channel that bring its colours, without `gain`, to the rig's; None
            where they are.
    """

    name: str
    model: Any
    T_show_camera: NDArray[np.float64]
    directions: Floats
    weight: Floats
    gain: Floats | None = None
    colour: Floats | None = None

    @property
    def origin(self) -> NDArray[np.float64]:
        """(3,) camera centre, show frame, metres."""
        return self.T_show_camera[:3, 3]


def make_view(name: str, model: Any, T_show_camera: NDArray[np.float64], mask: NDArray[np.bool_] | None) -> View:
    """Rays of every pixel centre; pixels that the model or the mask (height, width) excludes get weight 0."""
    ys, xs = np.mgrid[0 : model.height, 0 : model.width]
    rays, valid = model.unproject(np.stack([xs + 0.5, ys + 0.5], axis=-1))
    rays = np.where(valid[..., None], rays, [0.0, 0.0, 1.0])
    weight = valid if mask is None else valid & mask
    directions = (rays.reshape(-1, 3) @ T_show_camera[:3, :3].T).T
    return View(name, model, T_show_camera, np.ascontiguousarray(directions, np.float32), weight.astype(np.float32))


def window_vector(window: Projection) -> Floats:
    """The kernels' description of a window: (sphere: 0 or 1, centre x, centre y, texels per radian or tangent)."""
    sphere = window.kind == "sphere"
    cx = window.width / 2 if sphere else -window.left * window.density
    return np.array([float(sphere), cx, window.top * window.density, window.density], np.float32)


def rays_in(view: View, window: Projection) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Origin (3,), rays (3, P) as the kernels take them, and which rays (P,) can meet the shells.

    A sphere's window is turned about the vertical so that its middle column lies ahead and the cut of atan2 behind.
    """
    if window.kind == "sphere":
        turn = window.left + window.width / 2 / window.density
        rotation = geometry.rotation_from_angle_axis(np.array([0.0, turn, 0.0]))
        rays = (rotation.astype(np.float32) @ view.directions).astype(np.float32)
        return (rotation @ view.origin).astype(np.float32), rays, np.ones(rays.shape[1], bool)
    forward = -view.directions[2]
    ahead = forward > 1e-3
    slopes = np.zeros_like(view.directions)
    np.divide(view.directions[:2], forward, out=slopes[:2], where=ahead)
    slopes[:2, ~ahead] = 1e4
    return view.origin.astype(np.float32), slopes, ahead


def image_with_weight(view: View, image: NDArray[np.uint8] | None) -> Floats:
    """(height, width, 3) uint8 sRGB -> (height, width, 4) float32: colour in 0..1 as the rig sees it, weight.

    Without an image the weight is 0.
    """
    if image is None:
        return np.zeros((view.model.height, view.model.width, 4), np.float32)
    out = np.empty((*image.shape[:2], 4), np.float32)
    np.multiply(image, np.float32(1 / 255), out=out[..., :3])
    if view.gain is not None:
        np.divide(out[..., :3], view.gain[..., None], out=out[..., :3])
    if view.colour is not None:
        out[..., :3] *= view.colour[0]
        out[..., :3] += view.colour[1]
    if view.gain is not None or view.colour is not None:
        np.clip(out[..., :3], np.float32(0), np.float32(1), out=out[..., :3])
    out[..., 3] = view.weight
    return out


def subwindow(projection: Projection, x: int, y: int, width: int, height: int) -> Projection:
    """The part of a projection that starts at texel (x, y); x may lie outside where the projection wraps."""
    left, top = projection.left + x / projection.density, projection.top - y / projection.density
    full = math.isclose(width / projection.density, 2 * math.pi) if projection.wraps else False
    return Projection(projection.kind, width, height, left, top, projection.density, wraps=full)
