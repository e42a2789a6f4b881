"""One group of pictures from footage to layers: tile after tile, frame after frame."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.atlas.dilate import fill_layers
from encoder.capture.footage import FrameSet
from encoder.config import EncodeConfig
from encoder.layers.borders import layer_borders
from encoder.layers.layer_images import LayerImages, make_layer_images
from encoder.layers.refine import BYTES_PER_TEXEL as LAYER_BYTES
from encoder.msi import kernels
from encoder.msi.coarse import coarse_picture, coarse_view, coarse_window
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig, bytes_per_texel, light_and_motion
from encoder.msi.sweep import sweep, visible_histogram
from encoder.msi.tiles import make_tiles, put
from encoder.msi.views import View, image_with_weight, rays_in
from encoder.shot import Shot
from encoder.stopwatch import Stopwatch
from encoder.tile_solver import TileSolver
from protocol.errors import SolveError

log = logging.getLogger(__name__)
Frames = Callable[[], Generator[FrameSet]]
_COARSE = 4  # the histogram of the layers' borders is taken at a quarter of the resolution
_NEW = 0.5  # share of the pictures that moved from which on a frame has little in common with another


@dataclass
class MsiError:
    """Squared error of one camera's picture rendered from the shells: its sum, and the pixels that were rendered."""

    squared: float
    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SolvedGroup:
    """The layers of a group of pictures.

    Attributes:
        layers: of all frames, with colours under transparent texels; the farthest is opaque.
        msi_errors: by camera, the shells' squared error in the first frame.
        anew: whether it had too little in common with its base to start from it.
    """

    layers: LayerImages
    msi_errors: Mapping[str, MsiError]
    anew: bool = False


def solve_group(
    shot: Shot,
    frames: Frames,
    count: int,
    config: EncodeConfig,
    *,
    base: Frames | None = None,
    measured: tuple[View, ...],
    scratch: Path,
    watch: Stopwatch,
) -> SolvedGroup:
    """Solves `count` frames; `frames()` starts again at the group's first.

    Args:
        base: the frame from which all groups of a shot start: what has not changed since is the same in all of them,
            bit for bit. The group starts anew where most of the picture has, or where there is none.
        measured: cameras for which the shells' error is wanted.
        scratch: folder for layers that do not fit the memory.

    Raises:
        SolveError: the cameras agree on nothing. UsageError: there is too little memory.
    """
    with watch.stage("borders"):
        anew = base is not None and not _still_there(shot, base, frames, config)
        if anew:
            base = None
        with closing((base or frames)()) as first:
            borders = choose_borders(shot, next(first), config)
    layers = make_layer_images(count, len(borders) - 1, shot.projection.height, shot.projection.width, folder=scratch)
    errors = _solve(shot, base, frames, count, config, borders, layers, measured, watch)
    with watch.stage("fill"):
        for rgba in layers.rgba:
            fill_layers(rgba, wraps=shot.projection.wraps)
    return SolvedGroup(layers, errors, anew)


def choose_borders(shot: Shot, frame: FrameSet, config: EncodeConfig) -> NDArray[np.int64]:
    """(layers + 1,) borders of the layers in shells, from where a coarse sweep of the frame sees surfaces.

    Where it leaves the depth open, all shells that it may be count alike: what plain things are told by their
    surroundings has no say in this.
    """
    scene = Scene(coarse_window(shot.projection, _COARSE), shot.disparities, shot.sources)
    images = [image_with_weight(view, frame.images.get(view.name)) for view in shot.sources]
    weights = visible_histogram(sweep(scene, images, replace(config.solve.first, passes=1, plain=None)))
    if not np.isfinite(weights).all() or weights.sum() <= 0:
        raise SolveError("the first frame of a chunk holds no surface that the cameras agree on; look at the footage")
    return layer_borders(weights, shot.disparities, layers=config.layers)


def _still_there(shot: Shot, base: Frames, frames: Frames, config: EncodeConfig) -> bool:
    """Whether enough of the base frame is in a group's first one."""
    with closing(base()) as before, closing(frames()) as now:
        images = next(now).images, next(before).images
    common = [view for view in shot.sources if all(view.name in each for each in images)]
    pictures = [
        [image_with_weight(coarse_view(v, _COARSE), coarse_picture(each[v.name], _COARSE)) for v in common]
        for each in images
    ]
    moved = light_and_motion(pictures[0], pictures[1], config.solve)[1]
    seen = [picture[..., 3] > 0 for picture in pictures[0]]
    share = float(np.mean([mask[where].mean() for mask, where in zip(moved, seen, strict=True) if where.any()]))
    log.info("%.0f %% of the pictures moved since the shot's first frame", 100 * share)
    return share < _NEW


def _solve(
    shot: Shot,
    base: Frames | None,
    frames: Frames,
    count: int,
    config: EncodeConfig,
    borders: NDArray[np.int64],
    layers: LayerImages,
    measured: tuple[View, ...],
    watch: Stopwatch,
) -> dict[str, MsiError]:
    divisor = config.solve.divisor_for(shot.sources)
    tiles = make_tiles(
        shot.projection,
        bytes_per_texel=texel_bytes(len(shot.disparities), len(borders) - 1, config.solve, divisor),
        margin=tile_margin(shot),
        memory=config.memory,
    )
    log.info("%d tiles of at most %d texels", len(tiles), max(t.window.width * t.window.height for t in tiles))
    errors: dict[str, MsiError] = {}
    lead = 0 if base is None else 1
    total = lead + count
    for number, tile in enumerate(tiles):
        solver = TileSolver(
            tile.window, shot.disparities, shot.sources, borders, config.solve, least_weight=config.least_weight
        )
        for place, frame in enumerate(chain(base() if base is not None else (), frames())):
            before = (number + place / total) / len(tiles)
            done = [0]

            def on_step(before: float = before, done: list[int] = done, steps: int = max(1, solver.steps)) -> None:
                done[0] += 1
                watch.report("solve", before + min(1.0, done[0] / steps) / total / len(tiles))

            solver.solve(frame.images, on_step=on_step, watch=watch)
            index = place - lead
            if index < 0:
                continue
            put(
                tile,
                {"rgba": layers.rgba[index], "disparity": layers.disparity[index]},
                solver.rgba,
                solver.disparity,
            )
            if index == 0:
                with watch.stage("measure"):
                    for view in (v for v in measured if v.name in frame.images):
                        _measure(solver.scene, solver.shells, view, frame.images[view.name], errors)
            watch.report("solve", (number + (place + 1) / total) / len(tiles))
    return errors


def texel_bytes(shells: int, layers: int, config: SolveConfig, divisor: int) -> float:
    """What solving takes for each texel of the layers' grid: shells of coarser texels, and layers to be refined."""
    return shells * bytes_per_texel(config) / divisor**2 + layers * LAYER_BYTES


def tile_margin(shot: Shot) -> int:
    """Texels by which cameras' rays drift across shells, as far as it is worth covering."""
    radius = max(float(np.linalg.norm(view.origin)) for view in shot.sources)
    drift = np.arcsin(min(1.0, radius / shot.near))
    return int(shot.projection.density * min(drift, np.radians(15.0)))


def _measure(
    scene: Scene, shells: NDArray[np.float32], view: View, image: NDArray[np.uint8], errors: dict[str, MsiError]
) -> None:
    """Adds the error of the pixels that this window can render and that no earlier window has."""
    size = image.shape[:2]
    error = errors.setdefault(view.name, MsiError(0.0, np.zeros(size, np.bool_)))
    origin, rays, ahead = rays_in(view, scene.window)
    out = np.empty((rays.shape[1], 4), np.float32)
    kernels.render(shells, scene.disparities, scene.vector, origin, rays, out, np.empty(rays.shape[1], np.float32))
    crosses = np.empty(rays.shape[1], np.bool_)
    kernels.crosses_all(scene.disparities, scene.vector, scene.window.width, scene.window.height, origin, rays, crosses)
    new = (crosses & ahead).reshape(size) & (view.weight > 0) & ~error.mask
    rendered = np.round(out[:, :3].clip(0, 1) * 255).reshape(image.shape)
    error.squared += float(((rendered[new] - image[new]) ** 2).sum()) / 255.0**2
    error.mask |= new
