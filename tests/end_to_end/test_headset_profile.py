"""`encode --profile headset`: every rung of every chunk keeps the budget, counted by the card that draws it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoder import meshing
from encoder.cli import main
from encoder.cost.eyes import HALF_FIELD, eyes_of
from player.composite.compositor import Compositor
from player.composite.mesh import draw_mesh
from player.composite.refine import refine
from player.composite.target import Target
from player.composite.view import PinholeView
from player.headless import offscreen_context
from protocol.budget import HEADSET, within
from protocol.container import Show, open_show
from protocol.geometry import inverse, pose
from tests.end_to_end.commands import QUICK, killed_at, run

pytestmark = pytest.mark.slow
# Many layers of a coarse grid: far too much to blend.
HEAVY = "--near 0.8 --far 10 --shells 24 --layers 16 --density 40 --gop 0.1 --ladder --quiet".split()
HEAVY += "--solver descent --steps 2".split()
SIZE = 128


@pytest.fixture(scope="module")
def desktop(dome: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("profiles") / "desktop.lfv"
    assert main(["encode", str(dome), "--out", str(out), *HEAVY]) == 0
    return out


@pytest.fixture(scope="module")
def headset(dome: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("profiles") / "headset.lfv"
    assert main(["encode", str(dome), "--out", str(out), *HEAVY, "--profile", "headset"]) == 0
    return out


def counted(show: Show, chunk: int, rung: int) -> tuple[np.ndarray, int]:
    """Screens that the card blends from each place and direction, by an occlusion query, and the triangles."""
    m = show.manifest
    mesh = draw_mesh(show.read_geometry(show.read_chunk(chunk, rung)), m.projection)
    mesh = refine(mesh, m.projection, longest=16.0)
    eyes = eyes_of(m.projection, comfort_min=m.comfort_min, comfort_max=m.comfort_max)
    focal, views = 0.5 * SIZE / np.tan(HALF_FIELD), []
    with offscreen_context() as ctx:
        compositor, target = Compositor(ctx), Target(ctx, SIZE, SIZE)
        compositor.set_mesh(mesh)
        compositor.set_rgba(np.ones((8, 8, 3), np.float32), np.ones((8, 8), np.float32))
        for R, t in zip(eyes.R_eye_show, eyes.t_eye_show, strict=True):
            query = ctx.query(samples=True)
            with query:
                view = PinholeView(inverse(pose(R, t)), focal, focal, 0.5 * SIZE, 0.5 * SIZE, SIZE, SIZE)
                compositor.draw_pinhole(target, view)
            views.append(query.samples / SIZE**2)
        compositor.release()
        target.release()
    return np.array(views), len(mesh.triangles)


def test_every_rung_of_every_chunk_keeps_the_budget(desktop: Path, headset: Path) -> None:
    with open_show(desktop) as heavy, open_show(headset) as light:
        assert not any(within(rung.cost, HEADSET) for rung in heavy.manifest.rungs)
        assert len(light.manifest.rungs) == len(heavy.manifest.rungs) > 1
        assert light.manifest.layer_count == heavy.manifest.layer_count
        for number, rung in enumerate(light.manifest.rungs):
            assert within(rung.cost, HEADSET)
            means = []
            for chunk in range(len(light.index.chunks)):
                views, triangles = counted(light, chunk, number)
                # What a card counts is whole pixels.
                assert views.mean() <= 4.02 and np.sort(views)[-1] <= 6.05 and triangles <= 1_000_000
                means.append(views.mean())
            assert rung.cost is not None and rung.cost.coverage_mean == pytest.approx(np.mean(means), rel=0.01)
            # No lighter than it has to be.
            assert rung.cost.coverage_mean > 2.5


def test_killed_and_run_again_it_is_the_same(headset: Path, dome: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "headset.lfv", [*HEAVY, "--profile", "headset"]
    killed_at("2 solve", dome, out, *options)
    assert main(["encode", str(dome), "--out", str(out), *options]) == 0
    assert out.read_bytes() == headset.read_bytes()
    with open_show(out) as show:
        times = [thumbnail.time for thumbnail in show.manifest.thumbnails]
        assert times == [chunk.start for chunk in show.index.chunks] and len(times) == 3


def test_inspect_says_so_and_the_show_is_whole(
    desktop: Path, headset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "too much for a headset (coverage_mean" in run(capsys, "inspect", desktop).out
    said = run(capsys, "inspect", headset).out
    assert "fits a headset" in said and "too much" not in said and "profile=headset" in said
    assert run(capsys, "verify", headset).code == 0


def test_it_looks_much_like_the_other(desktop: Path, headset: Path, dome: Path, tmp_path: Path) -> None:
    """Fewer layers, not another scene."""
    figures = []
    for show in (desktop, headset):
        out = tmp_path / "figures.json"
        assert main(["evaluate", str(show), "--rig", str(dome), "--json", str(out)]) == 0
        figures.append(json.loads(out.read_text())["mean"]["psnr"])
    assert figures[1] > figures[0] - 1.5


def test_fewer_triangles_where_there_are_too_many(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for most in (10**6, 300):
        monkeypatch.setattr(meshing, "BUDGETS", {"headset": replace(HEADSET, triangles=most)})
        out = tmp_path / f"{most}.lfv"
        assert run(capsys, "encode", small, "--out", out, *QUICK, "--frames", 1, "--profile", "headset").code == 0
        with open_show(out) as show:
            assert show.manifest.rungs[0].cost is not None
            counts.append(show.manifest.rungs[0].cost.triangles)
    assert counts[1] <= 300 < counts[0]


def test_a_budget_that_cannot_be_kept_is_said(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("triangles", 3), ("coverage_mean", 0.1)):
        monkeypatch.setattr(meshing, "BUDGETS", {"headset": replace(HEADSET, **{name: value})})
        out = tmp_path / f"{name}.lfv"
        said = run(capsys, "encode", small, "--out", out, *QUICK, "--frames", 1, "--profile", "headset")
        assert said.code == 2 and f"too much for a headset ({name}" in said.error and "--layers" in said.error
        assert not out.exists()
