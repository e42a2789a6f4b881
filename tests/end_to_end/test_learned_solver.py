"""`encode --solver network`: a show by a network's weights, resumed with them alone, and weights that will not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder import cli
from encoder.msi.network import LearnedDescent, NetworkConfig
from encoder.msi.stereo import StereoConfig, StereoNetwork
from encoder.msi.weights_file import write_weights
from encoder.rig.rig import read_rig
from protocol.container import open_show
from samples.make_rig import RigConfig, make_rig
from tests.benchmarks.test_bench_runs import read, run

QUICK = ("--near", "0.8", "--far", "12", "--shells", "8", "--layers", "4", "--density", "40", "--steps", "2", "--quiet")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned") / "rig"
    make_rig(folder, RigConfig(cameras=5, frames=2, width=96, height=72, views=1))
    return folder


@pytest.fixture(scope="module")
def weights(rig: Path) -> Path:
    path = rig.parent / "network.safetensors"
    write_weights(path, LearnedDescent(NetworkConfig(levels=(2, 1), hidden=4)), {})
    return path


@pytest.fixture(scope="module")
def stereo_weights(rig: Path) -> Path:
    path = rig.parent / "stereo.safetensors"
    write_weights(path, StereoNetwork(StereoConfig(width=4)), {})
    return path


@pytest.mark.parametrize(("solver", "own"), [("network", False), ("network+descent", True)])
def test_a_show_by_a_network(rig: Path, weights: Path, tmp_path: Path, solver: str, own: bool) -> None:
    out = tmp_path / "show.lfv"
    options = ("--solver", solver, *(("--weights", str(weights)) if own else ()))
    assert cli.main_encode([str(rig), "--out", str(out), *QUICK, *options]) == 0
    with open_show(out) as show:
        assert show.index.frame_count == 2 and show.manifest.encoder["solver"] == solver
        assert show.manifest.encoder["solve.digest"] and "solve.weights" not in show.manifest.encoder


@pytest.mark.parametrize("own", [False, True])
def test_a_show_of_two_cameras(
    rig: Path, stereo_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], own: bool
) -> None:
    out = tmp_path / "show.lfv"
    names = [camera.name for camera in read_rig(rig).cameras]
    options = ["--solver", "stereo", *(("--weights", str(stereo_weights)) if own else ())]
    alone = [f"--hold-out={name}" for name in names[2:]]
    assert cli.main_encode([str(rig), "--out", str(out), *QUICK, *options, *alone]) == 0
    with open_show(out) as show:
        assert show.index.frame_count == 2 and show.manifest.encoder["solver"] == "stereo"
    capsys.readouterr()
    assert cli.main_encode([str(rig), "--out", str(tmp_path / "other.lfv"), *QUICK, *options]) == 2
    assert "--solver stereo takes two cameras" in capsys.readouterr().err and not (tmp_path / "other.lfv").exists()


def test_weights_that_will_not_do(
    rig: Path, weights: Path, stereo_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*options: str) -> str:
        code = cli.main_encode([str(rig), "--out", str(tmp_path / "show.lfv"), *QUICK, *options])
        line = capsys.readouterr().err
        assert line.startswith("lfv: error: ") and line.count("\n") == 1 and not list(tmp_path.glob("show*"))
        return f"{code} {line}"

    assert said("--weights", str(weights)).startswith("2 ")
    assert "weights of something else" in said("--solver", "network", "--weights", str(stereo_weights))
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(weights.read_bytes()[:200])
    found = said("--solver", "network", "--weights", str(wrong))
    assert found.startswith("1 ") and str(wrong) in found


def test_the_bench_of_solutions(rig: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    options = ("--quick", "--only", "solutions", "--rig", str(rig), "--weights", str(weights), "--json", str(out))
    assert run(*options) == 0
    solvers = ("sweep", "descent_2", "descent_3", "network", "network_descent")
    steps = {f"solution_network_step_{k}_psnr" for k in range(3)}
    found = read(out)
    assert set(found) == steps | {f"solution_{s}_{f}" for s in solvers for f in ("psnr", "ssim", "seconds")}
    assert found["solution_network_step_2_psnr"] == found["solution_network_psnr"]


def test_the_bench_of_two_cameras(stereo_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row of cameras has a pair with one between and one beyond; a rig of two has not."""
    row = tmp_path / "row"
    make_rig(
        row, RigConfig(rig="planar", cameras=16, lens="pinhole", field=1.0, frames=1, width=96, height=72, views=1)
    )
    out = tmp_path / "bench.json"
    options = ("--quick", "--only", "stereo", "--rig", str(row), "--weights", str(stereo_weights), "--json", str(out))
    assert run(*options) == 0
    places = [f"{place}_{figure}" for place in ("between", "beyond") for figure in ("psnr", "ssim")]
    assert set(read(out)) == {f"stereo_{s}_{f}" for s in ("sweep", "stereo") for f in (*places, "seconds")}
