"""Small layers, pictures and cameras made for the player's tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from player.composite.view import PinholeView
from protocol.geometry import T_WORLD_FORWARD_CAMERA
from protocol.manifest import Rung
from protocol.mesh_codec import LayerMesh, Rect
from protocol.projection import Projection

# Texels 32 to the unit of tangent: 64x48 texels see a little more than a right angle.
PLANE = Projection("plane", 64, 48, left=-1.0, top=0.75, density=32.0)


def rung(width: int = 64, height: int = 48, *, scale: float = 1.0, codec: str = "h264") -> Rung:
    """A rung whose colour region is width x height, with alpha below."""
    return Rung(
        name="test",
        codec=codec,  # type: ignore[arg-type]
        codec_string="avc1.640028",
        width=width,
        height=2 * height,
        colour_width=width,
        colour_height=height,
        alpha_x=0,
        alpha_y=height,
        texture_scale=scale,
        bits_per_second=1,
    )


def grid_layer(
    x: int, y: int, width: int, height: int, *, step: int, atlas: tuple[int, int], disparity: float, frames: int = 1
) -> LayerMesh:
    """A regular grid over one rect at a constant disparity."""
    xs, ys = np.arange(x, x + width + 1, step), np.arange(y, y + height + 1, step)
    columns = len(xs)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.uint16)
    i = (np.arange(len(ys) - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    upper, lower = (i, i + columns, i + 1), (i + 1, i + columns, i + columns + 1)
    triangles = np.stack([np.stack(upper, -1), np.stack(lower, -1)], 1).reshape(-1, 3).astype(np.uint32)
    return LayerMesh(
        points=points,
        disparities=np.full((frames, len(points)), disparity, np.float32),
        rects=(Rect(x, y, width, height, *atlas),),
        triangles=triangles,
        triangle_rect=np.zeros(len(triangles), np.uint16),
    )


def yuv(colour: NDArray[np.float64], alpha: NDArray[np.float64]) -> tuple[NDArray[np.uint8], ...]:
    """(H, W, 3) and (H, W) in 0..1 -> planes with alpha below the colour, BT.709 limited, chroma centred."""
    r, g, b = np.moveaxis(colour, -1, 0)
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    full = [(b - luma) / 1.8556, (r - luma) / 1.5748]
    half = [c.reshape(c.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)) for c in full]
    neutral = np.zeros_like(half[0])
    y = np.concatenate([16 + 219 * luma, 16 + 219 * alpha])
    u, v = (np.concatenate([128 + 224 * c, 128 + 224 * neutral]) for c in half)
    return tuple(np.rint(plane).astype(np.uint8) for plane in (y, u, v))


def rgb(y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Planes -> (H, W, 3) in 0..1: the reference for the shader, chroma interpolated between its centres."""
    luma = (y.astype(np.float64) - 16) / 219
    b, r = ((_doubled(c.astype(np.float64)) - 128) / 224 for c in (u, v))
    green = (luma - 0.2126 * (luma + 1.5748 * r) - 0.0722 * (luma + 1.8556 * b)) / 0.7152
    return np.clip(np.stack([luma + 1.5748 * r, green, luma + 1.8556 * b], axis=-1), 0, 1)


def _doubled(c: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        c = np.moveaxis(c, axis, 0)
        before, after = np.concatenate([c[:1], c[:-1]]), np.concatenate([c[1:], c[-1:]])
        c = np.stack([0.75 * c + 0.25 * before, 0.75 * c + 0.25 * after], axis=1).reshape(-1, *c.shape[1:])
        c = np.moveaxis(c, 0, axis)
    return c


def texel_view(
    projection: Projection = PLANE, *, position: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> PinholeView:
    """A camera that looks forward and, from the origin, sees a plane's texels as its pixels."""
    T_world_camera = T_WORLD_FORWARD_CAMERA.copy()
    T_world_camera[:3, 3] = position
    f = projection.density
    return PinholeView(
        T_world_camera, f, f, -projection.left * f, projection.top * f, projection.width, projection.height
    )


@dataclass(frozen=True)
class Projecting:
    """Hides what a camera is, so that it is drawn by its `project` alone."""

    camera: PinholeView

    @property
    def width(self) -> int:
        return self.camera.width

    @property
    def height(self) -> int:
        return self.camera.height

    @property
    def T_world_camera(self) -> NDArray[np.floating]:
        return self.camera.T_world_camera

    def project(self, points: NDArray[np.floating], /) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        return self.camera.project(points)


@dataclass(frozen=True)
class Equidistant:
    """A fisheye at the origin that sees `reach` radians off its axis: pixel = centre + focal * angle."""

    width: int
    height: int
    focal: float
    reach: float

    @property
    def T_world_camera(self) -> NDArray[np.floating]:
        return T_WORLD_FORWARD_CAMERA

    def project(self, points: NDArray[np.floating], /) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        angle = np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
        side = np.arctan2(points[:, 1], points[:, 0])
        offset = (self.focal * angle)[:, None] * np.stack([np.cos(side), np.sin(side)], -1)
        return offset + np.array([0.5 * self.width, 0.5 * self.height]), angle < self.reach


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Of pictures in 0..1, dB."""
    return float(-10 * np.log10(max(np.mean((a[..., :3].astype(np.float64) - b[..., :3]) ** 2), 1e-12)))
