"""What the solvers make of a rig: their shells at views that they never saw, and the seconds that they take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.bench.figure import Figure
from encoder.config import EncodeConfig
from encoder.evaluate import read_views, view_target
from encoder.metrics import psnr, ssim
from encoder.msi import scene as shells
from encoder.msi.coarse import coarse_picture, coarse_scene, coarse_view
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig, WindowSolver
from encoder.msi.views import Floats, View, make_view
from encoder.rig.rig import read_rig
from encoder.shot import Shot, prepare

Rgb = NDArray[np.uint8]
_LONG = 300  # steps of descent after which more gains nothing


def bench_solutions(rig: Path, quick: bool, *, weights: Path | None = None) -> list[Figure]:
    """PSNR and SSIM of the shells by each solver, and its seconds, for the rig's first frame; networks with `weights`.

    Judged at the first frame's views of `test_views.json`, or else at the first camera, held out. All solvers work at
    half the cameras' resolution, as `encode` has it, and in one window.

    Raises:
        what `prepare` and the solvers raise.
    """
    shot, images, judged = _prepared(rig, quick)
    divisor = EncodeConfig().solve.divisor_for(shot.sources)
    scene = coarse_scene(Scene(shot.projection, shot.disparities, shot.sources), divisor)
    small = {name: coarse_picture(image, divisor) for name, image in images.items()}
    views = [(coarse_view(view, divisor), coarse_picture(picture, divisor)) for view, picture in judged]
    steps = (2, 3) if quick else (30, _LONG)
    configs: dict[str, SolveConfig] = {
        "sweep": SolveConfig(solver="sweep"),
        **{f"descent_{count}": SolveConfig().with_steps(count) for count in steps},
    }
    if weights is not None:
        configs["network"] = SolveConfig(solver="network", weights=weights)
        configs["network_descent"] = SolveConfig(solver="network+descent", weights=weights)
    out = []
    for name, config in configs.items():
        WindowSolver(_tiny(scene), config).solve(small)  # compiles, and reads weights
        started = time.perf_counter()
        found = WindowSolver(scene, config).solve(small)
        seconds = time.perf_counter() - started
        figures = np.mean([_judged(scene, found, *each) for each in views], axis=0)
        out += [
            Figure(f"solution_{name}_psnr", float(figures[0]), "dB"),
            Figure(f"solution_{name}_ssim", float(figures[1]), ""),
            Figure(f"solution_{name}_seconds", seconds, "s"),
        ]
    return out


def _prepared(rig: Path, quick: bool) -> tuple[Shot, Mapping[str, Rgb], list[tuple[View, Rgb]]]:
    """The shot, its first pictures, and the views to be judged at with what is to be seen there."""
    list_of_views = rig / "test_views.json"
    held_out = () if list_of_views.exists() else (read_rig(rig).cameras[0].name,)
    config = EncodeConfig(hold_out=held_out, scale=Fraction(1, 2) if held_out else Fraction(1), frames=1)
    shot = prepare(rig, replace(config, shells=8) if quick else config)
    with closing(shot.footage.frames(0, 1)) as frames:
        images = next(frames).images
    if held_out:
        return shot, images, [(shot.held_out[0], images[held_out[0]])]
    entries = [entry for frame, entry in read_views(list_of_views) if frame == 0]
    targets = [view_target(shot.T_show_rig, list_of_views, entry, 0) for entry in entries]
    return (
        shot,
        images,
        [
            (make_view(t.name, t.camera.model, np.asarray(t.camera.T_world_camera, np.float64), None), t.truth)
            for t in targets
        ],
    )


def _tiny(scene: Scene) -> Scene:
    return Scene(replace(scene.window, width=48, height=48), scene.disparities[::8], scene.views)


def _judged(scene: Scene, found: Floats, view: View, picture: Rgb) -> tuple[float, float]:
    seen = shells.render_view(scene, found, view)[0][..., :3]
    truth, mask = picture / 255.0, shells.inside(scene, view).reshape(picture.shape[:2]) & (view.weight > 0)
    rounded = np.round(seen.clip(0, 1) * 255) / 255
    return psnr(truth, rounded, mask), ssim(truth, rounded, mask)
