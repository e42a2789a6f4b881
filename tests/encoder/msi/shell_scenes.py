"""Shells, rays, cameras and pictures that the tests of the solvers share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.msi import kernels
from encoder.msi.scene import Scene, render_view
from encoder.msi.views import Floats, View, make_view, window_vector
from encoder.rig.models import Pinhole
from protocol import geometry
from protocol.projection import Projection, ShellKind

KINDS: tuple[ShellKind, ShellKind] = ("plane", "sphere")
FLIP = np.diag([1.0, -1.0, -1.0])  # a camera that looks ahead: its axes in the show's frame


@dataclass(frozen=True)
class Bundle:
    """Shells and rays as the kernels take them."""

    shells: Floats
    disparities: Floats
    window: Floats
    origin: Floats
    rays: Floats


def window_of(kind: ShellKind, width: int, height: int, density: float) -> Projection:
    """A window about straight ahead."""
    return Projection(kind, width, height, -0.5 * width / density, 0.5 * height / density, density)


def random_bundle(kind: ShellKind, *, seed: int = 0, count: int = 6, rays: int = 1500, alpha: float = 0.5) -> Bundle:
    """Random shells of 40x30 texels and random rays, some of which leave the window. Alphas lie in 0..alpha."""
    rng = np.random.default_rng(seed)
    shells = rng.random((count, 30, 40, 4), np.float32)
    shells[..., 3] *= alpha
    shells[0, ..., 3] = 1.0
    # Half a window beyond its edge: a third of the rays misses some shells.
    a, b = rng.uniform(-0.45, 0.45, rays), rng.uniform(-0.35, 0.35, rays)
    if kind == "plane":
        directions = np.stack([a, b, np.full_like(a, -1.0)])
    else:
        directions = np.stack([np.sin(a) * np.cos(b), np.sin(b), -np.cos(a) * np.cos(b)])
    return Bundle(
        shells,
        np.linspace(0.2, 1.5, count).astype(np.float32),
        window_vector(window_of(kind, 40, 30, 60.0)),
        np.array([0.05, -0.03, 0.04], np.float32),
        np.ascontiguousarray(directions, np.float32),
    )


def render_bundle(bundle: Bundle) -> tuple[Floats, Floats]:
    """(P, 4) premultiplied RGBA and (P,) expected disparity by the kernel."""
    out = np.empty((bundle.rays.shape[1], 4), np.float32)
    expected = np.empty(bundle.rays.shape[1], np.float32)
    kernels.render(bundle.shells, bundle.disparities, bundle.window, bundle.origin, bundle.rays, out, expected)
    return out, expected


def texture(size: tuple[int, int], *, seed: int, scale: float = 0.8) -> Floats:
    """(height, width, 3) smooth random colours in 0.1..0.9."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float64)
    out = np.zeros((*size, 3))
    for _ in range(12):
        (fx, fy), phase = rng.uniform(-scale, scale, 2), rng.uniform(0, 6.28, 3)
        out += rng.uniform(0.3, 1.0, 3) * np.sin(xs * fx + ys * fy)[..., None] * np.cos(phase)
        out += rng.uniform(0.3, 1.0, 3) * np.cos(xs * fx + ys * fy)[..., None] * np.sin(phase)
    low, high = out.min(), out.max()
    return np.asarray(0.1 + 0.8 * (out - low) / (high - low), np.float32)


def pinhole_view(name: str, position: tuple[float, float, float], *, size: tuple[int, int], focal: float) -> View:
    """A camera of (width, height) pixels that looks ahead from a position in metres."""
    width, height = size
    model = Pinhole(width, height, (focal, focal, width / 2, height / 2))
    return make_view(name, model, geometry.pose(FLIP, np.array(position)), None)


def row_of_views(*, size: tuple[int, int] = (64, 48), focal: float = 60.0, baseline: float = 0.1) -> tuple[View, ...]:
    """Five cameras as on a die, and a sixth between them, named "held_out"."""
    b = baseline
    places = [(-b, b, 0.0), (b, b, 0.0), (0.0, 0.0, 0.0), (-b, -b, 0.0), (b, -b, 0.0), (0.5 * b, 0.3 * b, 0.02)]
    names = ["c0", "c1", "c2", "c3", "c4", "held_out"]
    return tuple(pinhole_view(n, p, size=size, focal=focal) for n, p in zip(names, places, strict=True))


def two_surfaces(window: Projection, disparities: Floats, *, near: int, far: int) -> Floats:
    """(N, H, W, 4) shells: a textured wall on shell `far`, and a textured square before its middle on shell `near`."""
    H, W = window.height, window.width
    shells = np.zeros((len(disparities), H, W, 4), np.float32)
    shells[far, ..., :3], shells[far, ..., 3] = texture((H, W), seed=1), 1.0
    square = (slice(2 * H // 5, 3 * H // 5), slice(2 * W // 5, 3 * W // 5))
    shells[near, ..., :3] = texture((H, W), seed=2)
    shells[near, ..., 3][square] = 1.0
    return shells


def photograph(scene: Scene, shells: Floats) -> list[NDArray[np.uint8]]:
    """What each view of the scene sees of the shells, (height, width, 3) uint8."""
    return [to_bytes(render_view(scene, shells, view)[0][..., :3]) for view in scene.views]


def to_bytes(picture: Floats) -> NDArray[np.uint8]:
    """0..1 -> 0..255."""
    return np.round(picture.clip(0, 1) * 255).astype(np.uint8)
