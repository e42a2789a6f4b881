"""One layer of a group of pictures becomes a mesh: constant topology and texture rectangles, disparities per frame.

DESIGN 4: a grid over the non-empty area, refined where the disparity bends, cut where alpha is empty. The frames are
read one at a time, again for every pass where a quarter of the layer is too much to keep, so it may be memory-mapped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.layers import tessellate_fit as fit
from encoder.layers.occupancy import any_in_cells, occupied_texels
from encoder.layers.rectangles import occupied_rects, rect_owners, texel_rects
from encoder.layers.tessellate_frames import BlockFrames, disparity_noise
from encoder.layers.tessellate_quadtree import (
    Leaves,
    balance,
    children,
    cut_levels,
    gather_leaves,
    occupied_levels,
    triangulate,
)
from protocol.projection import Projection

_log = logging.getLogger(__name__)
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.signedinteger[Any]]

# Errors below this many standard deviations of the noise of what they average split nothing: noise would shimmer.
_NOISE_LIMIT = 4.0
# How often leaves that miss the tolerance with their final triangles are split again.
_ROUNDS = 2
# How much the tolerance grows at a time until the mesh fits `max_triangles`.
_RELAX = 1.4
# Triangles whose mean disparities lie within this many tolerances are drawn in the order of the grid, which packs well.
_ORDER_STEP = 2.0


@dataclass(frozen=True)
class TessellationConfig:
    """How fine a mesh may be. All sizes are powers of two, in texels.

    Attributes:
        largest, smallest: leaf sizes; smallest is at least 2.
        cut: leaves are split down to this size to shed empty area.
        cell: rectangles of the atlas are made of whole cells of this size; at least `cut`.
        gutter: what the atlas puts around each rectangle; decides how readily rectangles are merged.
        alpha_threshold: the least alpha (1..255) that must be covered.
        static_fraction: points that move by less than this part of the tolerance, or than their noise, stand still.
        max_triangles: the tolerance is relaxed until the layer has no more, where that is possible; None is no limit.
    """

    largest: int = 32
    smallest: int = 4
    cut: int = 8
    cell: int = 16
    gutter: int = 8
    alpha_threshold: int = 4
    static_fraction: float = 0.5
    max_triangles: int | None = None

    def __post_init__(self) -> None:
        sizes = (self.smallest, self.cut, self.cell, self.largest)
        if any(size < 2 or size & (size - 1) for size in sizes):
            raise ValueError(f"tessellation sizes {sizes} are not powers of two of at least 2")
        if not (self.smallest <= self.cut <= self.cell and self.cut <= self.largest):
            raise ValueError(f"tessellation sizes {sizes} are out of order; smallest <= cut <= cell, cut <= largest")


@dataclass(frozen=True)
class Tessellation:
    """The mesh of one layer, before its rectangles have a place in the atlas.

    Attributes:
        points: (P, 2) uint16 texel corners, x in 0..W, y in 0..H; points at x = W and x = 0 of a layer that wraps are
            separate, with equal disparities.
        disparities: (T, P) float32, 1/m; exactly constant over T where a point does not move.
        triangles: (M, 3) uint32, clockwise in texel coordinates, far to near at frame 0 in steps of two tolerances.
        triangle_rect: (M,) uint16.
        rects: (R, 4) int32 x, y, width, height, texels, inside the layer, disjoint.
        tolerance: 1/m, what blocks were refined to (larger than asked where the noise or `max_triangles` said so).
        error: 1/m, the largest alpha-weighted error of any 2x2 block in any frame, before points that hardly move were
            made to stand still.
    """

    points: NDArray[np.uint16]
    disparities: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    triangle_rect: NDArray[np.uint16]
    rects: IntArray
    tolerance: float
    error: float


def disparity_tolerance(projection: Projection, *, head_offset_m: float, delta_px: float) -> float:
    """The disparity, 1/m, that shifts a texel by `delta_px` when the head moves `head_offset_m` (DESIGN 3)."""
    return delta_px / (head_offset_m * projection.density)


def tessellate(
    rgba: NDArray[np.uint8],
    disparity: NDArray[np.float32],
    projection: Projection,
    *,
    tolerance: float,
    config: TessellationConfig | None = None,
) -> Tessellation:
    """Meshes one layer over the frames of a group of pictures.

    Args:
        rgba: (T, H, W, 4) uint8, straight colour; only alpha is read.
        disparity: (T, H, W) float32, 1/m; counts by alpha, so it may be anything where alpha is 0.
        projection: the layer's grid; only its size and whether it wraps are used.
        tolerance: 1/m, the alpha-weighted error that a leaf may have before it is split.
        config: sizes and limits.

    Raises:
        ValueError: shapes that do not agree, or a tolerance that is not positive.
    """
    config = config or TessellationConfig()
    if not tolerance > 0:
        raise ValueError(f"a disparity tolerance of {tolerance} refines without end; give a positive one")
    height, width, wraps = projection.height, projection.width, projection.wraps
    if rgba.ndim != 4 or rgba.shape[1:] != (height, width, 4) or disparity.shape != rgba.shape[:3]:
        raise ValueError(f"layer {rgba.shape} with disparity {disparity.shape} on a grid of {width}x{height}")
    occupied = occupied_texels(rgba, threshold=config.alpha_threshold, wraps=wraps)
    rects = occupied_rects(any_in_cells(occupied, size=config.cell), cell=config.cell, gutter=config.gutter)
    if not len(rects):
        return _empty(rgba.shape[0], tolerance)
    frames = BlockFrames(rgba, disparity, any_in_cells(occupied, size=config.largest), config.largest, [])
    levels = occupied_levels(occupied, smallest=config.smallest, count=(config.largest // config.smallest).bit_length())
    forced = _forced_splits(levels, rects, config)
    asked, noise = tolerance, disparity_noise(frames)
    tolerance = max(asked, _NOISE_LIMIT * noise)
    errors = _level_errors(frames, levels, forced, config, projection, asked, noise)
    diagonals = [level_errors[1] < level_errors[0] for level_errors in errors]
    worst = [np.minimum(level_errors[0], level_errors[1]) for level_errors in errors]
    while True:
        bent = [level & (error > tolerance) for level, error in zip(levels[1:], worst[1:], strict=True)]
        splits = [forced[0], *(force | cells for force, cells in zip(forced[1:], bent, strict=True))]
        leaves = _leaves(levels, splits, diagonals, config, width, height, wraps)
        if config.max_triangles is None or len(leaves.triangles) <= config.max_triangles:
            break
        if not any(cells.any() for cells in bent):
            break
        tolerance *= _RELAX
    values, errors_of = _solve_points(frames, leaves, config, width, wraps)
    for _ in range(_ROUNDS):
        failing = (errors_of > tolerance) & (leaves.level > 0)
        if not failing.any():
            break
        for level in range(1, len(splits)):
            rows, columns = leaves.cells[failing & (leaves.level == level)].T
            splits[level][rows, columns] = True
        finer = _leaves(levels, splits, diagonals, config, width, height, wraps)
        if config.max_triangles is not None and len(finer.triangles) > config.max_triangles:
            break
        leaves = finer
        values, errors_of = _solve_points(frames, leaves, config, width, wraps)
    # A point's value averages the blocks of a window as wide as its smallest leaf.
    still_below = np.maximum(config.static_fraction * asked, _NOISE_LIMIT * noise / np.maximum(leaves.sizes / 2, 2.0))
    still = values.max(axis=0) - values.min(axis=0) <= still_below
    values[:, still] = values[:, still].mean(axis=0, dtype=np.float64).astype(np.float32)
    order = _draw_order(values[0][leaves.triangles].mean(axis=1, dtype=np.float64), asked)
    rect_of = _rect_of_leaves(leaves.boxes, rects, config.cell)
    _log.debug("%d leaves, %d triangles, %d rectangles", len(leaves.boxes), len(leaves.triangles), len(rects))
    return Tessellation(
        points=leaves.points.astype(np.uint16),
        disparities=values,
        triangles=leaves.triangles[order].astype(np.uint32),
        triangle_rect=rect_of[leaves.leaf_of[order]].astype(np.uint16),
        rects=texel_rects(rects, config.cell, width, height),
        tolerance=tolerance,
        error=float(errors_of.max()),
    )


def _empty(frame_count: int, tolerance: float) -> Tessellation:
    return Tessellation(
        points=np.zeros((0, 2), np.uint16),
        disparities=np.zeros((frame_count, 0), np.float32),
        triangles=np.zeros((0, 3), np.uint32),
        triangle_rect=np.zeros(0, np.uint16),
        rects=np.zeros((0, 4), np.int32),
        tolerance=tolerance,
        error=0.0,
    )


def _level_errors(
    frames: BlockFrames,
    levels: list[BoolArray],
    forced: list[BoolArray],
    config: TessellationConfig,
    projection: Projection,
    asked: float,
    noise: float,
) -> list[FloatArray]:
    """Per level (2, rows, columns) float32: the largest error of each cell over the frames, for both diagonals.

    From coarse to fine, only cells whose parents are to be split; the others, which stay 0, are no leaves unless their
    neighbours' balance makes them, and then the check of the final triangles sees to them.
    """
    width, height, wraps = projection.width, projection.height, projection.wraps
    tolerance = max(asked, _NOISE_LIMIT * noise)
    errors = [np.zeros((2, *level.shape), np.float32) for level in levels]
    active = levels[-1]
    for k in range(len(levels) - 1, -1, -1):
        size = config.smallest << k
        # A sixteenth of a cell averages (size / 8) squared blocks.
        gain = tolerance / max(asked, _NOISE_LIMIT * noise / max(size / 8, 1.0))
        values = np.zeros((levels[k].shape[0] + 1, levels[k].shape[1] + 1), np.float32)
        for blocks in frames:
            fit.lattice_values(blocks, active, size, config.largest, width, height, wraps, values)
            fit.cell_errors(blocks, active, size, width, height, values, gain, errors[k])
        if k > 0:
            split = active & (forced[k] | (errors[k].min(axis=0) > tolerance))
            active = levels[k - 1] & children(split, levels[k - 1].shape)
    return errors


def _forced_splits(levels: list[BoolArray], rects: IntArray, config: TessellationConfig) -> list[BoolArray]:
    """Per level, the cells that are split whatever their error: to shed empty area, or across rectangles."""
    lowest = (config.cut // config.smallest).bit_length() - 1
    forced = cut_levels(levels, lowest=lowest)
    owner = rect_owners(rects, any_in_cells(levels[0], size=config.cell // config.smallest).shape)
    low = high = owner
    for k, level in enumerate(levels):
        if config.smallest << k > config.cell:
            low, high = _pooled(low, np.minimum), _pooled(high, np.maximum)
            forced[k] = forced[k] | (level & (low != high))
    return forced


def _pooled(values: IntArray, pool: np.ufunc) -> IntArray:
    """2x2 pooling with the border repeated."""
    rows, columns = values.shape
    padded = np.pad(values, ((0, rows % 2), (0, columns % 2)), mode="edge")
    out: IntArray = pool(pool(padded[::2, ::2], padded[1::2, ::2]), pool(padded[::2, 1::2], padded[1::2, 1::2]))
    return out


def _leaves(
    levels: list[BoolArray],
    splits: list[BoolArray],
    diagonals: list[BoolArray],
    config: TessellationConfig,
    width: int,
    height: int,
    wraps: bool,
) -> Leaves:
    balance(levels, splits, wraps=wraps)
    leaves = gather_leaves(levels, splits)
    return triangulate(leaves, diagonals, smallest=config.smallest, width=width, height=height, wraps=wraps)


def _solve_points(
    frames: BlockFrames, leaves: Leaves, config: TessellationConfig, width: int, wraps: bool
) -> tuple[NDArray[np.float32], FloatArray]:
    """(T, P) disparities of the leaves' points, and (leaves,) the largest error over the frames.

    A point near which a frame holds nothing keeps its value of the frame before (or, at first, of the first frame that
    holds something), so that it costs no bits; a point that never does takes the layer's mean.
    """
    values = np.full((frames.rgba.shape[0], len(leaves.points)), np.nan, np.float32)
    errors = np.zeros(len(leaves.boxes), np.float64)
    for t, blocks in enumerate(frames):
        fit.point_values(blocks, leaves.points, leaves.sizes, config.largest, width, wraps, values[t])
        values[t, leaves.twins[:, 0]] = values[t, leaves.twins[:, 1]]
        fit.triangle_errors(blocks, leaves.points, values[t], leaves.triangles, leaves.leaf_of, leaves.boxes, errors)
    for t in range(1, len(values)):
        np.copyto(values[t], values[t - 1], where=np.isnan(values[t]))
    for t in range(len(values) - 2, -1, -1):
        np.copyto(values[t], values[t + 1], where=np.isnan(values[t]))
    lost = np.isnan(values[0])
    values[:, lost] = 0.0 if lost.all() else values[:, ~lost].mean()
    return np.maximum(values, 0.0), errors


def _draw_order(means: FloatArray, tolerance: float) -> IntArray:
    """(M,) mean disparities -> the painter's order: far to near in steps, and as they come within a step."""
    return np.argsort(np.floor(means / (_ORDER_STEP * tolerance)), kind="stable")


def _rect_of_leaves(boxes: IntArray, rects: IntArray, cell: int) -> IntArray:
    owner = rect_owners(rects, (int(boxes[:, 3].max()) // cell + 1, int(boxes[:, 2].max()) // cell + 1))
    return owner[boxes[:, 1] // cell, boxes[:, 0] // cell]
