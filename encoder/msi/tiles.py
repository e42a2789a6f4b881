"""Angular tiles: shells exist in one tile at a time, so that memory is bounded however large the show (DESIGN 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.msi.views import subwindow
from protocol.errors import UsageError
from protocol.projection import Projection

_FEATHER = 8
_SMALLEST = 64


@dataclass(frozen=True)
class Tile:
    """A part of the layers' grid and the window in which it is solved.

    Attributes:
        x, y, width, height: texels of the grid that the tile fills; tiles overlap by a few feathered texels.
        window: what is solved, the tile with a margin all round.
        inset_x, inset_y: where the tile starts in the window.
        weight: (height, width) float32, 1 inside; ramps towards neighbours, so that all tiles' weights sum to 1.
    """

    x: int
    y: int
    width: int
    height: int
    window: Projection
    inset_x: int
    inset_y: int
    weight: NDArray[np.float32]


def make_tiles(projection: Projection, *, bytes_per_texel: float, margin: int, memory: int) -> tuple[Tile, ...]:
    """The fewest tiles whose windows fit the memory.

    Args:
        projection: the grid to cover.
        bytes_per_texel: what solving holds for each texel of a window, over all shells and layers.
        margin: texels by which a window reaches past its tile, so that rays of the cameras cross all its shells.
        memory: bytes for one window.

    Raises:
        UsageError: not even small tiles fit.
    """
    W, H = projection.width, projection.height
    best: tuple[int, int, int] | None = None
    for nx in range(2 if projection.wraps else 1, max(2, W // _SMALLEST) + 1):
        for ny in range(1, max(1, H // _SMALLEST) + 1):
            width = math.ceil(W / nx) + (2 * (margin + _FEATHER) if nx > 1 else 0)
            height = math.ceil(H / ny) + (2 * (margin + _FEATHER) if ny > 1 else 0)
            width, height = min(width, W if not projection.wraps else width), min(height, H)
            if projection.wraps and width > W:
                continue
            if width * height * bytes_per_texel <= memory and (best is None or nx * ny < best[0]):
                best = (nx * ny, nx, ny)
    if best is None:
        need = _SMALLEST * _SMALLEST * bytes_per_texel
        raise UsageError(
            f"{memory / 2**30:.2g} GiB are too little for {W}x{H} texels with margins of {margin}; "
            f"give --memory more (at least {need / 2**30:.2g} GiB), or lower --shells or --density"
        )
    _, nx, ny = best
    columns = _spans(W, nx, wraps=projection.wraps)
    rows = _spans(H, ny, wraps=False)
    return tuple(_tile(projection, column, row, margin) for row in rows for column in columns)


def _spans(size: int, count: int, *, wraps: bool) -> list[tuple[int, NDArray[np.float32]]]:
    """(start, weights) of overlapping spans that cover 0..size; weights of all spans sum to 1 at each texel."""
    edges = [round(size * k / count) for k in range(count + 1)]
    out = []
    for k in range(count):
        low = _FEATHER if k > 0 or wraps else 0
        high = _FEATHER if k + 1 < count or wraps else 0
        weights = np.ones(edges[k + 1] - edges[k] + low + high, np.float32)
        ramp = (np.arange(2 * _FEATHER, dtype=np.float32) + 0.5) / (2 * _FEATHER)
        if low:
            weights[: 2 * _FEATHER] = ramp
        if high:
            weights[-2 * _FEATHER :] = ramp[::-1]
        out.append((edges[k] - low, weights))
    return out


def _tile(
    projection: Projection, column: tuple[int, NDArray[np.float32]], row: tuple[int, NDArray[np.float32]], margin: int
) -> Tile:
    (x, across), (y, down) = column, row
    left, right = x - margin, x + len(across) + margin
    top, bottom = max(0, y - margin), min(projection.height, y + len(down) + margin)
    if not projection.wraps:
        left, right = max(0, left), min(projection.width, right)
    elif right - left > projection.width:
        right = left + projection.width
    return Tile(
        x=x,
        y=y,
        width=len(across),
        height=len(down),
        window=subwindow(projection, left, top, right - left, bottom - top),
        inset_x=x - left,
        inset_y=y - top,
        weight=np.outer(down, across).astype(np.float32),
    )


def put(tile: Tile, layers: dict[str, NDArray[Any]], rgba: NDArray[np.uint8], disparity: NDArray[np.float32]) -> None:
    """Blends a window's layers into the show's.

    `layers` has "rgba" (L, H, W, 4) uint8 and "disparity" (L, H, W) float32 and is changed in place. Straight colours
    and disparities are mixed by alpha and the tiles' weights; the first tile finds zeros.
    """
    ys = slice(tile.inset_y, tile.inset_y + tile.height)
    xs = slice(tile.inset_x, tile.inset_x + tile.width)
    columns = np.arange(tile.x, tile.x + tile.width) % layers["rgba"].shape[2]
    rows = slice(tile.y, tile.y + tile.height)
    for out, depth, new, new_depth in zip(
        layers["rgba"], layers["disparity"], rgba[:, ys, xs], disparity[:, ys, xs], strict=True
    ):
        if tile.weight.min() == 1.0:
            out[rows, columns], depth[rows, columns] = new, new_depth
            continue
        old = out[rows, columns].astype(np.float32)
        share = tile.weight
        # What earlier tiles left has been scaled by their weight already: alpha adds up, colour is mixed by alpha.
        old_alpha, new_alpha = old[..., 3], new[..., 3] * share
        alpha = old_alpha + new_alpha
        mix = np.divide(new_alpha, alpha, out=share.copy(), where=alpha > 0)[..., None]
        colour = old[..., :3] + (new[..., :3] - old[..., :3]) * mix
        out[rows, columns] = np.concatenate([colour, alpha[..., None]], axis=-1).clip(0, 255).round().astype(np.uint8)
        mixed = depth[rows, columns] + (new_depth - depth[rows, columns]) * mix[..., 0]
        depth[rows, columns] = np.where(old.any(-1) | (depth[rows, columns] != 0), mixed, new_depth)
