"""`encode --solver network`: a show by a network's weights, resumed with them alone, and weights that will not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder import cli
from encoder.msi.network import LearnedDescent, NetworkConfig
from encoder.msi.weights_file import write_weights
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


@pytest.mark.parametrize(("solver", "own"), [("network", False), ("network+descent", True)])
def test_a_show_by_a_network(rig: Path, weights: Path, tmp_path: Path, solver: str, own: bool) -> None:
    out = tmp_path / "show.lfv"
    options = ("--solver", solver, *(("--weights", str(weights)) if own else ()))
    assert cli.main_encode([str(rig), "--out", str(out), *QUICK, *options]) == 0
    with open_show(out) as show:
        assert show.index.frame_count == 2 and show.manifest.encoder["solver"] == solver
        assert show.manifest.encoder["solve.digest"] and "solve.weights" not in show.manifest.encoder


def test_weights_that_will_not_do(rig: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*options: str) -> str:
        code = cli.main_encode([str(rig), "--out", str(tmp_path / "show.lfv"), *QUICK, *options])
        line = capsys.readouterr().err
        assert line.startswith("lfv: error: ") and line.count("\n") == 1 and not list(tmp_path.glob("show*"))
        return f"{code} {line}"

    assert said("--weights", str(weights)).startswith("2 ")
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(weights.read_bytes()[:200])
    found = said("--solver", "network", "--weights", str(wrong))
    assert found.startswith("1 ") and str(wrong) in found


def test_the_bench_of_solutions(rig: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    options = ("--quick", "--only", "solutions", "--rig", str(rig), "--weights", str(weights), "--json", str(out))
    assert run(*options) == 0
    solvers = ("sweep", "descent_2", "descent_3", "network", "network_descent")
    assert set(read(out)) == {f"solution_{s}_{f}" for s in solvers for f in ("psnr", "ssim", "seconds")}
