"""`lfv bench` runs, and what it writes is well formed. How fast things are is nothing for a test."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.bench import solvers
from encoder.bench.figure import Figure, medians
from encoder.commands import bench
from encoder.msi import sweep_kernels
from protocol.errors import StorageError, UsageError
from samples.make_rig import RigConfig, make_rig

F = np.float32
ALWAYS = {
    "cores",
    "copy_bandwidth",
    "sweep_samples_per_second",
    "sweep_speedup",
    "descent_samples_per_second",
    "descent_speedup",
}
SHELLS = {
    f"shell_{way}_{what}{suffix}"
    for way in ("forward", "gradient")
    for what in ("speedup", "samples_per_second", "bandwidth_share")
    for suffix in ("", "_sphere")
}
SHOWS = {"encode_seconds_per_frame", "bits_per_frame", "decode_ms_per_frame", "decode_and_composite_ms_per_frame"}


def run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.run(parser.parse_args(options))


def read(path: Path) -> dict[str, float]:
    figures = json.loads(path.read_text())
    assert isinstance(figures, list)
    for figure in figures:
        assert set(figure) == {"name", "value", "unit"}
        assert isinstance(figure["name"], str) and isinstance(figure["unit"], str)
        assert math.isfinite(figure["value"]) and figure["value"] > 0
    assert len({figure["name"] for figure in figures}) == len(figures)
    return {figure["name"]: figure["value"] for figure in figures}


def test_quick_gives_every_figure_of_the_kernels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder" / "bench.json"
    chosen = ("machine", "shells", "sweep", "descent")
    assert run("--quick", *(word for name in chosen for word in ("--only", name)), "--json", str(out)) == 0
    assert set(read(out)) == ALWAYS | SHELLS
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]
    printed = capsys.readouterr()
    assert "shell_gradient_speedup" in printed.out and "--rig" in printed.err


def test_quick_encodes_and_plays_a_rig(tmp_path: Path) -> None:
    make_rig(tmp_path / "rig", RigConfig(cameras=4, frames=2, width=64, height=48, samples=1, views=0))
    out = tmp_path / "bench.json"
    assert run("--quick", "--only", "show", "--rig", str(tmp_path / "rig"), "--json", str(out)) == 0
    found = read(out)
    assert set(found) >= SHOWS
    stages = {name.removeprefix("encode_seconds_per_frame_") for name in found}
    assert stages >= {"solve", "collapse", "mesh", "video", "write"}


def test_what_few_layers_lose(tmp_path: Path) -> None:
    make_rig(tmp_path / "rig", RigConfig(cameras=6, frames=1, width=192, height=144, samples=1, views=0))
    out = tmp_path / "bench.json"
    assert run("--quick", "--only", "collapse", "--rig", str(tmp_path / "rig"), "--json", str(out)) == 0
    found = read(out)
    kinds = {name.removeprefix("collapse_4_layers_") for name in found if name.startswith("collapse_")}
    assert kinds == {"shells_psnr", "loss", "refined_psnr"}


def test_a_rig_is_asked_for() -> None:
    with pytest.raises(UsageError, match="--rig"):
        run("--only", "show")


def test_figures_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        bench.write_figures(tmp_path / "file" / "bench.json", [Figure("a", 1.0, "x")])
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        bench.write_figures(tmp_path / "folder", [Figure("a", 1.0, "x")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_functions_are_timed_in_turns_and_the_first_turn_does_not_count() -> None:
    calls: list[str] = []
    found = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert set(found) == {"a", "b"} and min(found.values()) >= 0


def test_the_torch_sweep_does_the_kernels_work() -> None:
    """What is timed against each other gives the same shells."""
    count, width, height = 4, 64, 48
    images, grids = solvers._filmed(count, width, height)
    chosen = np.tile(np.arange(8, dtype=np.int32), (2, 2, 1))
    everywhere = np.ones((count, height, width), np.uint8)
    shells, costs = np.zeros((count, height, width, 4), np.float32), np.empty((count, height, width), np.float32)
    unknown = np.full(images.shape[:3], -1, np.float32)
    sweep_kernels.consistency(
        images, grids, 8, chosen, 32, np.ones(count, np.float32), unknown, F(1), F(0.02), everywhere, shells, costs
    )
    sweep_kernels.costs_to_alpha(costs, F(0.001), everywhere, shells)
    wanted = solvers.torch_sweep(
        torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(grids), width, height
    ).numpy()
    inner = (slice(None), slice(4, -4), slice(4, -4))
    assert np.abs(shells[inner] - wanted[inner]).max() < 2e-3
