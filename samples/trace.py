"""The ray tracer: primary rays of any sample camera, texture, one lamp with shadows, mirrors, translucent films.

Brute force over the few things of a scene; rows run in parallel. Lengths in metres, in the frame of `samples.scene`.
Distances of `FAR` and more mean that nothing was hit.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from samples import scene as sc
from samples import textures as tx
from samples.cameras import FISHEYE, SampleCamera
from samples.kernel import kernel, parallel_kernel
from samples.shapes import FAR, hit_of, is_shadowed, nearest

MAX_BOUNCES = 5
AMBIENT = 0.42


@kernel
def _ray(lens: NDArray[np.float64], u: float, v: float) -> tuple[float, float, float]:
    """Unit direction in the camera's frame of the pixel position (u, v). `lens`: kind, fx, fy, cx, cy, k1, k2."""
    x, y = (u - lens[3]) / lens[1], (v - lens[4]) / lens[2]
    if lens[0] != FISHEYE:
        scale = 1.0 / math.sqrt(x * x + y * y + 1.0)
        return x * scale, y * scale, scale
    distorted = math.sqrt(x * x + y * y)
    theta = distorted
    for _ in range(6):
        square = theta * theta
        error = theta * (1.0 + square * (lens[5] + square * lens[6])) - distorted
        theta -= error / (1.0 + square * (3.0 * lens[5] + 5.0 * square * lens[6]))
    across = math.sin(theta) / max(distorted, 1e-12)
    return x * across, y * across, math.cos(theta)


@kernel
def _sky(prims: sc.Primitives, x: float, y: float, z: float) -> tuple[float, float, float]:
    if not prims.surroundings:
        return 0.0, 0.0, 0.0
    rows, i = prims.materials, sc.SKY
    height = max(0.05, -y)
    mix = 0.7 * tx.cloud(x / height, z / height, 0.5, 1.2, 0.02) * min(1.0, 3.0 * height)
    return (
        rows[i, 2] + mix * (rows[i, 5] - rows[i, 2]),
        rows[i, 3] + mix * (rows[i, 6] - rows[i, 3]),
        rows[i, 4] + mix * (rows[i, 7] - rows[i, 4]),
    )


@kernel
def _light(prims: sc.Primitives, px: float, py: float, pz: float, nx: float, ny: float, nz: float) -> float:
    """Irradiance: ambient that is stronger from above, the lamp in the room, the sun in the yard."""
    total = AMBIENT * (1.0 - 0.35 * ny)
    if pz > sc.ROOM_MAX[2] + 1e-6:
        return total + 0.8 * max(0.0, -0.45 * nx - 0.7 * ny - 0.55 * nz)
    lx, ly, lz = sc.LAMP[0] - px, sc.LAMP[1] - py, sc.LAMP[2] - pz
    distance = math.sqrt(lx * lx + ly * ly + lz * lz)
    lx, ly, lz = lx / distance, ly / distance, lz / distance
    facing = lx * nx + ly * ny + lz * nz
    if facing <= 0.0:
        return total
    if is_shadowed(prims, px + 1e-4 * nx, py + 1e-4 * ny, pz + 1e-4 * nz, lx, ly, lz, distance):
        return total
    return total + facing * 2.0 / (1.2 + 0.3 * distance * distance)


@kernel
def _radiance(
    prims: sc.Primitives, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, pixel: float
) -> tuple[float, float, float]:
    """Linear RGB that comes in along the ray; `pixel` is the pixel's width in radians."""
    red = green = blue = 0.0
    through = 1.0
    travelled = 0.0
    for _ in range(MAX_BOUNCES):
        distance, shape, index = nearest(prims, ox, oy, oz, dx, dy, dz)
        if distance >= FAR:
            r, g, b = _sky(prims, dx, dy, dz)
            return red + through * r, green + through * g, blue + through * b
        travelled += distance
        px, py, pz = ox + distance * dx, oy + distance * dy, oz + distance * dz
        (nx, ny, nz), (lx, ly, lz), (u, v), material = hit_of(prims, shape, index, px, py, pz)
        facing = nx * dx + ny * dy + nz * dz
        if facing > 0.0:
            nx, ny, nz, facing = -nx, -ny, -nz, -facing
        rows, i = prims.materials, material
        kind = int(rows[i, 0])
        if kind == tx.MIRROR:
            through *= rows[i, 2]
            dx, dy, dz = dx - 2.0 * facing * nx, dy - 2.0 * facing * ny, dz - 2.0 * facing * nz
            ox, oy, oz = px + 1e-4 * nx, py + 1e-4 * ny, pz + 1e-4 * nz
            pixel *= 3.0
            continue
        footprint = travelled * pixel / max(0.15, -facing)
        mix = tx.pattern(kind, lx, ly, lz, u, v, rows[i, 1], footprint)
        lit = 1.0 if kind == tx.EMISSIVE else _light(prims, px, py, pz, nx, ny, nz)
        solid = 1.0
        if kind == tx.FILM:
            sticker = (u + 0.12) ** 2 + (v - 0.2) ** 2 < 0.0081
            solid = 1.0 if sticker else 0.18 + 0.3 * mix
        weight = through * solid * lit
        red += weight * (rows[i, 2] + mix * (rows[i, 5] - rows[i, 2]))
        green += weight * (rows[i, 3] + mix * (rows[i, 6] - rows[i, 3]))
        blue += weight * (rows[i, 4] + mix * (rows[i, 7] - rows[i, 4]))
        through *= 1.0 - solid
        if through < 1e-3:
            break
        ox, oy, oz = px + 1e-4 * dx, py + 1e-4 * dy, pz + 1e-4 * dz
    return red, green, blue


@parallel_kernel
def _render(
    prims: sc.Primitives,
    lens: NDArray[np.float64],
    rotation: NDArray[np.float64],
    centre: NDArray[np.float64],
    samples: int,
    out: NDArray[np.float32],
) -> None:
    height, width = out.shape[0], out.shape[1]
    pixel = 1.0 / lens[1]
    for y in prange(height):
        for x in range(width):
            red = green = blue = 0.0
            for j in range(samples):
                for i in range(samples):
                    # Each row of samples is shifted by a part of a step, so that edges near the axes get more levels.
                    shift = (j + 0.5) / samples - 0.5
                    a, b, c = _ray(lens, x + (i + 0.5 + 0.5 * shift) / samples, y + (j + 0.5) / samples)
                    dx = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c
                    dy = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c
                    dz = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c
                    one = _radiance(prims, centre[0], centre[1], centre[2], dx, dy, dz, pixel)
                    red += min(one[0], 1.0)
                    green += min(one[1], 1.0)
                    blue += min(one[2], 1.0)
            count = samples * samples
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red / count, green / count, blue / count


@parallel_kernel
def _distances(
    prims: sc.Primitives,
    lens: NDArray[np.float64],
    rotation: NDArray[np.float64],
    centre: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    for y in prange(out.shape[0]):
        for x in range(out.shape[1]):
            a, b, c = _ray(lens, x + 0.5, y + 0.5)
            dx = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c
            dy = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c
            dz = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c
            distance, _, _ = nearest(prims, centre[0], centre[1], centre[2], dx, dy, dz)
            out[y, x] = distance if distance >= FAR else distance * c


def render(prims: sc.Primitives, camera: SampleCamera, *, samples: int = 2) -> NDArray[np.uint8]:
    """The camera's picture, (H, W, 3) uint8 sRGB, from `samples` squared rays a pixel."""
    linear = np.empty((camera.height, camera.width, 3), np.float32)
    _render(prims, camera.lens, camera.T_world_camera[:3, :3].copy(), camera.centre, samples, linear)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255.0 * srgb), np.uint8)


def depth(prims: sc.Primitives, camera: SampleCamera) -> NDArray[np.float32]:
    """(H, W) metres along the optical axis to the first surface seen through each pixel's centre; sky is inf.

    Films and mirrors count as surfaces. No anti-aliasing.
    """
    out = np.empty((camera.height, camera.width), np.float32)
    _distances(prims, camera.lens, camera.T_world_camera[:3, :3].copy(), camera.centre, out)
    return np.where(out >= np.float32(FAR), np.float32(np.inf), out)
