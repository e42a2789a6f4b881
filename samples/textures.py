"""Procedural textures of the sample scene, as numba functions. Lengths in metres, colours linear RGB in [0, 1].

`footprint` is the width of a pixel where the ray meets the surface: detail that is finer than it fades to its mean, so
that pictures do not alias.
"""

from __future__ import annotations

import math

from samples.kernel import kernel

# Kinds of material. A row of the materials' table is: kind, scale, first colour (3), second colour (3).
EMISSIVE, NOISE, CHECKER, BRICK, STRIPES, PLANKS, MIRROR, FILM = range(8)


@kernel
def _lattice(ix: int, iy: int, iz: int) -> float:
    """A random number in [0, 1] that belongs to the lattice point."""
    h = (ix * 374761393 + iy * 668265263 + iz * 1440662683) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 739982445) & 0xFFFFFFFF
    return (h ^ (h >> 16)) / 4294967295.0


@kernel
def _noise(x: float, y: float, z: float) -> float:
    """Value noise in [0, 1] with one feature per unit."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - ix, y - iy, z - iz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    near_top = _lattice(ix, iy, iz) * (1 - u) + _lattice(ix + 1, iy, iz) * u
    near_low = _lattice(ix, iy + 1, iz) * (1 - u) + _lattice(ix + 1, iy + 1, iz) * u
    far_top = _lattice(ix, iy, iz + 1) * (1 - u) + _lattice(ix + 1, iy, iz + 1) * u
    far_low = _lattice(ix, iy + 1, iz + 1) * (1 - u) + _lattice(ix + 1, iy + 1, iz + 1) * u
    return (near_top * (1 - v) + near_low * v) * (1 - w) + (far_top * (1 - v) + far_low * v) * w


@kernel
def _visible(size: float, footprint: float) -> float:
    """How much of a detail of this size a pixel still shows: 1 above three pixels, 0 below one."""
    return min(1.0, max(0.0, 0.5 * (size / footprint - 1.0)))


@kernel
def cloud(x: float, y: float, z: float, size: float, footprint: float) -> float:
    """Five octaves of noise in [0, 1], the largest features of `size`."""
    total = 0.5
    weight = 0.5
    for octave in range(5):
        shown = _visible(size, footprint)
        if shown == 0.0:
            break
        total += weight * shown * 1.6 * (_noise(x / size + 17.3 * octave, y / size, z / size) - 0.5)
        weight *= 0.62
        size *= 0.47
    return min(1.0, max(0.0, total))


@kernel
def _bricks(u: float, v: float, size: float, footprint: float) -> tuple[float, float]:
    """Shade of the brick at (u, v) in [0, 1], and how much mortar is there."""
    row = math.floor(v / (0.5 * size))
    column = u / size + 0.5 * (row % 2)
    across, up = column - math.floor(column), v / (0.5 * size) - row
    mortar = 1.0 if across < 0.05 or up < 0.1 else 0.0
    shown = _visible(0.5 * size, footprint)
    return 0.5 + shown * (_lattice(math.floor(column), row, 5) - 0.5), 0.15 + shown * (mortar - 0.15)


@kernel
def pattern(kind: int, x: float, y: float, z: float, u: float, v: float, size: float, footprint: float) -> float:
    """Where between the material's first (0) and second colour (1) the surface is.

    Args:
        x, y, z: the point in the frame of its object; u, v: the point on the surface.
        size: of the largest features.
        footprint: width of a pixel there.
    """
    if kind in (NOISE, FILM, EMISSIVE):
        return cloud(x, y, z, size, footprint)
    if kind == PLANKS:
        plank = math.floor(u / size)
        gap = 1.0 if u / size - plank < 0.04 else 0.0
        shade = _lattice(plank, 3, 9)
        rings = cloud(6.0 * u / size + 3.0 * shade, 0.8 * v / size, shade * 7.0, 1.0, 3.0 * footprint / size)
        return (1.0 - gap * _visible(0.3 * size, footprint)) * (0.1 + 0.3 * shade + 0.6 * rings)
    grain = cloud(x, y, z, 0.4 * size, footprint)
    if kind == CHECKER:
        odd = (math.floor(u / size) + math.floor(v / size)) & 1
        return min(1.0, max(0.0, 0.5 + _visible(size, footprint) * (odd - 0.5) * 0.8 + 0.6 * (grain - 0.5)))
    if kind == BRICK:
        shade, mortar = _bricks(u, v, size, footprint)
        return mortar + (1.0 - mortar) * (0.15 + 0.35 * shade + 0.45 * (grain - 0.5))
    # STRIPES
    odd = math.floor(v / size) & 1
    return 0.5 + _visible(size, footprint) * (odd - 0.5) * 0.9 + 0.1 * (grain - 0.5)
