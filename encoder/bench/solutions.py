"""What the solvers make of a rig: their shells at views that they never saw, and the seconds that they take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
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
from encoder.msi.learned import learned_solver
from encoder.msi.network_solve import NetworkSolver, grown
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig, WindowSolver, bytes_per_texel
from encoder.msi.views import Floats, View, make_view
from encoder.rig.rig import read_rig
from encoder.shot import Shot, prepare

Rgb = NDArray[np.uint8]
_LONG = 300  # steps of descent after which more gains nothing


def bench_solutions(rig: Path, quick: bool, *, weights: Path | None = None) -> list[Figure]:
    """PSNR and SSIM of the shells by each solver, and its seconds, for the rig's first frame.

    Judged at the first frame's views of `test_views.json`, or else at the first camera, held out. All solvers work at
    half the cameras' resolution, as `encode` has it, and in one window. The network has these weights, or the shipped;
    its PSNR after each step comes last.

    Raises:
        what `prepare` and the solvers raise.
    """
    network = SolveConfig(solver="network", weights=weights)
    bytes_per_texel(network)  # reads the weights: what is wrong with them is not to be heard after minutes
    footage = _test_views(rig, quick) or held_out_views(rig, (read_rig(rig).cameras[0].name,), quick)
    steps = (2, 3) if quick else (30, _LONG)
    configs: dict[str, SolveConfig] = {
        "sweep": SolveConfig(solver="sweep"),
        **{f"descent_{count}": SolveConfig().with_steps(count) for count in steps},
    }
    configs["network"] = network
    configs["network_descent"] = SolveConfig(solver="network+descent", weights=weights)
    out = []
    for name, config in configs.items():
        found, seconds = solved(footage, config)
        figures = np.mean([judged(footage.scene, found, *view) for view in footage.views], axis=0)
        out += [
            Figure(f"solution_{name}_psnr", float(figures[0]), "dB"),
            Figure(f"solution_{name}_ssim", float(figures[1]), ""),
            Figure(f"solution_{name}_seconds", seconds, "s"),
        ]
    return out + _by_iteration(footage, configs["network"])


@dataclass(frozen=True)
class Footage:
    """A rig's first frame where shells are solved: source pictures by name, and views to judge by with theirs."""

    scene: Scene
    images: Mapping[str, Rgb]
    views: list[tuple[View, Rgb]]


def held_out_views(rig: Path, hold_out: tuple[str, ...], quick: bool) -> Footage:
    """At half scale, judged at the cameras that are held out. Raises what `prepare` raises."""
    shot, images = _first_frame(rig, quick, EncodeConfig(hold_out=hold_out, scale=Fraction(1, 2), frames=1))
    return _footage(shot, images, [(view, images[view.name]) for view in shot.held_out])


def solved(footage: Footage, config: SolveConfig) -> tuple[Floats, float]:
    """(N, H, W, 4) shells by a solver, and its seconds."""
    WindowSolver(_tiny(footage.scene), config).solve(footage.images)  # compiles, and reads weights
    scene = replace(footage.scene)  # as new: what it works out once, each solver pays for
    started = time.perf_counter()
    found = WindowSolver(scene, config).solve(footage.images)
    return found, time.perf_counter() - started


def judged(scene: Scene, found: Floats, view: View, picture: Rgb) -> tuple[float, float]:
    """PSNR in dB and SSIM of shells at a view, where its rays stay within the window."""
    seen = shells.render_view(scene, found, view)[0][..., :3]
    truth, mask = picture / 255.0, shells.inside(scene, view).reshape(picture.shape[:2]) & (view.weight > 0)
    rounded = np.round(seen.clip(0, 1) * 255) / 255
    return psnr(truth, rounded, mask), ssim(truth, rounded, mask)


def _by_iteration(footage: Footage, config: SolveConfig) -> list[Figure]:
    """PSNR of the network's start and after each of its steps; those at a coarser level as they grow to the finest."""
    network, scene = learned_solver(footage.scene, config), footage.scene
    assert isinstance(network, NetworkSolver)
    out: list[Figure] = []

    def hear(level: int, _: Scene, found: Floats) -> None:
        whole = found if level == 1 else grown(found, level, scene.shape)
        decibels = float(np.mean([judged(scene, whole, *view)[0] for view in footage.views]))
        out.append(Figure(f"solution_network_step_{len(out)}_psnr", decibels, "dB"))

    network.solve(footage.images, np.empty((*scene.shape, 4), np.float32), on_level=hear)
    return out


def _test_views(rig: Path, quick: bool) -> Footage | None:
    listed = rig / "test_views.json"
    if not listed.exists():
        return None
    shot, images = _first_frame(rig, quick, EncodeConfig(frames=1))
    targets = [view_target(shot.T_show_rig, listed, entry, 0) for frame, entry in read_views(listed) if frame == 0]
    poses = [np.asarray(target.camera.T_world_camera, np.float64) for target in targets]
    views = [make_view(t.name, t.camera.model, pose, None) for t, pose in zip(targets, poses, strict=True)]
    return _footage(shot, images, [(view, target.truth) for view, target in zip(views, targets, strict=True)])


def _first_frame(rig: Path, quick: bool, config: EncodeConfig) -> tuple[Shot, Mapping[str, Rgb]]:
    shot = prepare(rig, replace(config, shells=8) if quick else config)
    with closing(shot.footage.frames(0, 1)) as frames:
        return shot, next(frames).images


def _footage(shot: Shot, images: Mapping[str, Rgb], views: list[tuple[View, Rgb]]) -> Footage:
    divisor = SolveConfig().divisor_for(shot.sources)
    return Footage(
        coarse_scene(Scene(shot.projection, shot.disparities, shot.sources), divisor),
        {name: coarse_picture(image, divisor) for name, image in images.items()},
        [(coarse_view(view, divisor), coarse_picture(picture, divisor)) for view, picture in views],
    )


def _tiny(scene: Scene) -> Scene:
    return Scene(replace(scene.window, width=48, height=48), scene.disparities[::8], scene.views)
