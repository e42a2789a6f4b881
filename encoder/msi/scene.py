"""What a solver works on: shells in one window (an angular tile), seen by some cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoder.msi import kernels
from encoder.msi.views import Floats, View, rays_in, window_vector
from protocol import geometry
from protocol.projection import Projection

GRID_STRIDE = 8  # texels between the points at which shells are projected into the cameras
CHOICE_BLOCK = 32  # texels that share their choice of source cameras
_UNSEEN = 10.0  # an angle beyond all sums


@dataclass(frozen=True, eq=False)
class Scene:
    """Shells of one window and the source cameras; the same for all frames.

    Attributes:
        window: the texels that are solved.
        disparities: (N,) float32, 1/metre, index 0 farthest.
        views: source cameras.
    """

    window: Projection
    disparities: Floats
    views: tuple[View, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W)."""
        return len(self.disparities), self.window.height, self.window.width

    @cached_property
    def vector(self) -> Floats:
        """The window as the kernels take it."""
        return window_vector(self.window)

    @cached_property
    def rays(self) -> tuple[tuple[Floats, Floats], ...]:
        """Origin and rays of each view in the window's frame."""
        return tuple(rays_in(view, self.window)[:2] for view in self.views)

    @cached_property
    def weights(self) -> tuple[Floats, ...]:
        """(P,) of each view: its weight where the pixel's ray stays inside the window on all shells, else 0."""
        return tuple(view.weight.ravel() * inside(self, view) for view in self.views)

    @cached_property
    def grids(self) -> Floats:
        """(C, N, gh, gw, 2): pixels of every 8th texel corner in each camera; -1e6 where it does not see them."""
        height, width = -(-self.window.height // GRID_STRIDE) + 2, -(-self.window.width // GRID_STRIDE) + 2
        ys, xs = np.mgrid[0:height, 0:width] * GRID_STRIDE
        directions = self.window.directions(np.stack([xs, ys], axis=-1).astype(np.float64))
        out = np.empty((len(self.views), len(self.disparities), height, width, 2), np.float32)
        for view, grid in zip(self.views, out, strict=True):
            T = geometry.inverse(view.T_show_camera)
            turned = directions @ T[:3, :3].T
            # Scaled by disparity, which no camera sees: a point at infinity is then like any other.
            for target, disparity in zip(grid, self.disparities.astype(np.float64), strict=True):
                pixels, valid = view.model.project(turned + disparity * T[:3, 3])
                target[...] = np.where(valid[..., None], np.clip(pixels, -1e6, 1e6), -1e6)
        return out


def inside(scene: Scene, view: View) -> NDArray[np.bool_]:
    """(P,) whether a pixel's ray crosses every shell inside the window."""
    origin, rays, ahead = rays_in(view, scene.window)
    out = np.empty(rays.shape[1], np.bool_)
    kernels.crosses_all(scene.disparities, scene.vector, scene.window.width, scene.window.height, origin, rays, out)
    return out & ahead


def choose_views(scene: Scene, count: int) -> NDArray[np.int32]:
    """(bh, bw, count): for each block of texels the source cameras that see it from nearest to the origin, then those
    that do not see its middle; -1 for none.

    Nearness is the angle under which camera and origin see the block's points, over three shells.
    """
    angles = _angles(scene)
    count = min(count, len(scene.views))
    order = np.argsort(angles, axis=0, kind="stable")[:count]
    # Cameras that do not see a block's middle come last, but stay: they may see its edge.
    blind = np.array([not view.weight.any() for view in scene.views])
    return np.ascontiguousarray(np.where(blind[order], -1, order).transpose(1, 2, 0), np.int32)


def count_views(scene: Scene) -> NDArray[np.int64]:
    """(bh, bw): for each block of texels how many source cameras see its middle on all of three shells."""
    return np.asarray((_angles(scene) < _UNSEEN).sum(axis=0), np.int64)


def _angles(scene: Scene) -> NDArray[np.float64]:
    """(C, bh, bw): under which camera and origin see the middles of blocks, summed over three shells, and _UNSEEN more
    for each that the camera does not see."""
    window = scene.window
    height, width = -(-window.height // CHOICE_BLOCK), -(-window.width // CHOICE_BLOCK)
    starts = np.mgrid[0:height, 0:width] * CHOICE_BLOCK
    # The middle of what the window holds of a block: the last ones may reach past its edge.
    ys, xs = (
        0.5 * (s + np.minimum(s + CHOICE_BLOCK, n)) for s, n in zip(starts, (window.height, window.width), strict=True)
    )
    directions = window.directions(np.stack([xs, ys], axis=-1))
    N = len(scene.disparities)
    angles = np.zeros((len(scene.views), height, width))
    probes = scene.disparities[[N // 4, N // 2, (3 * N) // 4]].astype(np.float64)
    for disparity in probes:
        for view, row in zip(scene.views, angles, strict=True):
            ray = directions - disparity * view.origin
            cosine = (ray * directions).sum(-1) / np.linalg.norm(ray, axis=-1) / np.linalg.norm(directions, axis=-1)
            T = geometry.inverse(view.T_show_camera)
            pixels, valid = view.model.project(directions @ T[:3, :3].T + disparity * T[:3, 3])
            column, line = (np.nan_to_num(pixels[..., c], nan=-1.0, posinf=-1.0, neginf=-1.0) for c in (0, 1))
            seen = valid & (column >= 0) & (line >= 0) & (column < view.model.width) & (line < view.model.height)
            column = np.clip(column, 0, view.model.width - 1).astype(np.int64)
            line = np.clip(line, 0, view.model.height - 1).astype(np.int64)
            seen &= view.weight[line, column] > 0
            row += np.arccos(np.clip(cosine, -1, 1)) + np.where(seen, 0.0, _UNSEEN)
    return angles


def stack_images(views: Sequence[View], images: Sequence[Floats]) -> Floats:
    """(C, Hmax, Wmax, 4): the cameras' images with their weights; weight 0 beyond a smaller image."""
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    out = np.zeros((len(views), height, width, 4), np.float32)
    for target, image in zip(out, images, strict=True):
        target[: image.shape[0], : image.shape[1]] = image
    return out


def render_view(scene: Scene, shells: Floats, view: View) -> tuple[Floats, Floats]:
    """Shells (N, H, W, 4) in any camera: (height, width, 4) premultiplied RGBA, (height, width) expected disparity."""
    origin, rays, _ = rays_in(view, scene.window)
    out = np.empty((rays.shape[1], 4), np.float32)
    expected = np.empty(rays.shape[1], np.float32)
    kernels.render(shells, scene.disparities, scene.vector, origin, rays, out, expected)
    size = (view.model.height, view.model.width)
    return out.reshape(*size, 4), expected.reshape(size)
