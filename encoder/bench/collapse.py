"""What layers cost: pictures of the shells, of their collapse to few layers, and of those layers refined."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.atlas.dilate import fill_layers
from encoder.bench.figure import Figure
from encoder.config import EncodeConfig
from encoder.layers.refine import Surfaces, render_surfaces, surface_borders
from encoder.metrics import psnr
from encoder.msi import scene as shells
from encoder.msi.coarse import coarse_picture, coarse_view
from encoder.msi.views import Floats, View
from encoder.rig.rig import read_rig
from encoder.shot import prepare
from encoder.solve_group import choose_borders
from encoder.stopwatch import Stopwatch
from encoder.tile_solver import TileSolver
from protocol.projection import Projection

F = np.float32
COUNTS = (16, 8, 6, 4)


def bench_collapse(rig: Path, quick: bool) -> list[Figure]:
    """PSNR at the rig's first camera, held out, of its first frame without codec and mesh, for each count of layers.

    Shells and collapsed layers are compared at the resolution at which shells are solved, refined layers at that of the
    cameras, half their own (`--scale 0.5`). The window must fit the memory in one tile.

    Raises:
        what `prepare` and the solver raise.
    """
    name = read_rig(rig).cameras[0].name
    config = EncodeConfig(hold_out=(name,), scale=Fraction(1, 2), frames=1)
    if quick:
        config = replace(config, shells=8, solve=config.solve.with_steps(2))
    shot = prepare(rig, config)
    out: list[Figure] = []
    with closing(shot.footage.frames(0, 1)) as frames:
        frame = next(frames)
    picture, (view,) = frame.images[name], shot.held_out
    for count in (4,) if quick else COUNTS:
        config = replace(config, layers=count)
        borders = choose_borders(shot, frame, config)
        tile = TileSolver(
            shot.projection, shot.disparities, shot.sources, borders, config.solve, least_weight=config.least_weight
        )
        tile.solve(frame.images, on_step=lambda: None, watch=Stopwatch())
        divisor = config.solve.divisor_for(shot.sources)
        small, truth = coarse_view(view, divisor), coarse_picture(picture, divisor)
        between = surface_borders(borders, shot.disparities)
        seen = shells.render_view(tile.scene, tile.shells, small)[0]
        before = _psnr(truth, seen)
        after = _psnr(truth, _rendered(*tile.collapsed, between, tile.scene.window, small))
        refined = _psnr(picture, _rendered(tile.rgba, tile.disparity, between, shot.projection, view))
        out += [
            Figure(f"collapse_{count}_layers_shells_psnr", before, "dB"),
            Figure(f"collapse_{count}_layers_loss", before - after, "dB"),
            Figure(f"collapse_{count}_layers_refined_psnr", refined, "dB"),
        ]
    return out


def _rendered(rgba: NDArray[np.uint8], disparity: Floats, borders: Floats, window: Projection, view: View) -> Floats:
    filled = rgba.copy()
    fill_layers(filled)
    layers = filled.astype(np.float32) / F(255)
    return render_surfaces(Surfaces(layers, disparity, borders), window, view)


def _psnr(truth: NDArray[np.uint8], seen: Floats) -> float:
    return psnr(truth / 255.0, np.round(seen[..., :3].clip(0, 1) * 255) / 255)
