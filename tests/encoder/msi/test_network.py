"""Learned descent: steps that improve untrained, that ask for no order or number of cameras, and weights on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from encoder.msi import level_kernels
from encoder.msi.network import Colours, LearnedDescent, NetworkConfig, Pooling
from encoder.msi.network_solve import NetworkSolver, advance, find_alive, grown, pictures_of
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig
from encoder.msi.sweep import sweep
from encoder.msi.torch_steps import advanced
from encoder.msi.turns import weighted_targets
from encoder.msi.views import Floats
from encoder.msi.weights_file import read_weights, write_weights
from encoder.train.loop import held_out_psnr
from encoder.train.scenes import SceneConfig, TrainingScene, make_scene
from encoder.train.textures import TextureBank
from protocol.errors import FormatError, StorageError

SMALL = SceneConfig(side=32, shells=(8, 8), cameras=(5, 5), shift=(8, 12))
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


@pytest.fixture(scope="module")
def scenes() -> list[TrainingScene]:
    bank = TextureBank(seed=3, count=24)
    return [make_scene([3, k], bank, SMALL) for k in range(4)]


def stirred(pooling: Pooling = "sum", colours: Colours = "free", levels: tuple[int, ...] = (2, 1)) -> LearnedDescent:
    """Weights that do something everywhere."""
    torch.manual_seed(1)
    network = LearnedDescent(NetworkConfig(levels=levels, hidden=8, pooling=pooling, colours=colours))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network.eval()


def solved(network: LearnedDescent, scene: Scene, images: Mapping[str, NDArray[np.uint8]]) -> Floats:
    shells = np.empty((*scene.shape, 4), np.float32)
    NetworkSolver(network, scene, SolveConfig().start).solve(images, shells)
    return shells


def seen_by(scene: TrainingScene, order: Sequence[int]) -> Scene:
    return replace(scene.scene, views=tuple(scene.scene.views[k] for k in order))


def advanced_by(network: LearnedDescent, scene: Scene, pictures: Sequence[Floats], shells: Floats) -> Floats:
    """All steps at full resolution."""
    shells = shells.copy()
    for _, step in network.by_level():
        advance(step, scene, weighted_targets(scene, pictures), shells, np.ones(scene.shape, np.uint8))
    return shells


def swept(scene: TrainingScene) -> tuple[list[Floats], Floats]:
    pictures = pictures_of(scene.scene, scene.images, 1)
    return pictures, sweep(scene.scene, pictures, SolveConfig().start)


@pytest.mark.parametrize("levels", [(1, 1, 1), (2, 2, 1)])
def test_untrained_it_is_gauss_newton_and_improves(scenes: list[TrainingScene], levels: tuple[int, ...]) -> None:
    before, *after = held_out_psnr(LearnedDescent(NetworkConfig(levels=levels, hidden=8)), scenes)
    assert after[0] > before + 0.2 and after[2] > before + 0.6


@pytest.mark.parametrize("colours", get_args(Colours))
@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_order_of_the_cameras_does_not_matter(
    scenes: list[TrainingScene], pooling: Pooling, colours: Colours
) -> None:
    network, scene = stirred(pooling, colours), scenes[0]
    pictures, shells = swept(scene)
    results = []
    for order in (range(5), (3, 0, 4, 2, 1)):
        results.append(advanced_by(network, seen_by(scene, order), [pictures[k] for k in order], shells))
    assert np.abs(results[0] - shells).max() > 0.05
    assert np.allclose(*results, atol=2e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_any_number_of_cameras(scenes: list[TrainingScene], pooling: Pooling, count: int) -> None:
    scene = scenes[1]
    found = solved(stirred(pooling), seen_by(scene, range(count)), scene.images)
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1 and (found[0, ..., 3] == 1).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_tiles_are_as_good_as_all_at_once(scenes: list[TrainingScene], pooling: Pooling) -> None:
    """What training learns on whole shells is what the solver does on tiles of a few."""
    network, scene = stirred(pooling, levels=(1,)), scenes[2]
    pictures, shells = swept(scene)
    shells[1:6, 16:32, 8:24, 3] = 0  # blocks that are known to be empty, and what is behind them
    targets = weighted_targets(scene.scene, pictures)
    _, step = next(network.by_level())
    free = np.ones(scene.scene.shape, np.uint8)
    with torch.inference_mode():
        now = torch.from_numpy(shells).movedim(-1, 1)
        whole = advanced(step, scene.scene, targets, now, find_alive(shells, free)).movedim(1, -1).numpy()
    for side in (16, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("encoder.msi.torch_steps._TILE", side)
            assert np.allclose(advanced_by(network, scene.scene, pictures, shells), whole, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("pooling", POOLINGS)
def test_cuda_is_as_good_as_the_cpu(scenes: list[TrainingScene], pooling: Pooling) -> None:
    network, scene = stirred(pooling, levels=(1,)), scenes[2]
    pictures, shells = swept(scene)
    targets, free = weighted_targets(scene.scene, pictures), np.ones(scene.scene.shape, np.uint8)
    found = shells.copy()
    step = next(deepcopy(network).to("cuda").by_level())[1]
    advance(step, scene.scene, targets, found, free, device=torch.device("cuda"))
    assert np.abs(found - advanced_by(network, scene.scene, pictures, shells)).mean() < 0.01


def test_only_free_texels_change(scenes: list[TrainingScene]) -> None:
    scene = scenes[3]
    shells = swept(scene)[1]
    free = np.zeros(shells.shape[:3], np.uint8)
    free[2:5, 8:20, 4:30] = 1
    found = shells.copy()
    solver = NetworkSolver(stirred(), scene.scene, SolveConfig().start)
    solver.solve(scene.images, np.empty_like(found))
    solver.solve(scene.images, found, free=free)
    changed = (found != shells).any(axis=-1)
    assert changed.any() and not changed[free == 0].any()


def test_a_camera_without_a_picture_says_nothing(scenes: list[TrainingScene]) -> None:
    scene, network = scenes[0], stirred(levels=(1, 1))
    pictures, shells = swept(scene)
    blind = [np.zeros_like(picture) if k == 2 else picture for k, picture in enumerate(pictures)]
    found = advanced_by(network, scene.scene, blind, shells)
    others = (0, 1, 3, 4)
    assert np.allclose(
        found, advanced_by(network, seen_by(scene, others), [pictures[k] for k in others], shells), atol=1e-5
    )
    assert np.isfinite(solved(network, scene.scene, {})).all()


def test_levels_cover_the_same_directions() -> None:
    """What is grown from a coarser level lies where it was; and back again it is what it was."""
    y, x = np.mgrid[0:12, 0:17].astype(np.float32)
    ramp = np.stack([0.02 * x, 0.03 * y, 0.01 * (x + y), np.full_like(x, 0.5)], axis=-1)[None]
    for factor in (2, 4):
        small = np.empty((1, -(-12 // factor), -(-17 // factor), 4), np.float32)
        level_kernels.shrink(ramp, factor, small)
        inner = (slice(None), slice(factor, 12 - factor), slice(factor, 16 - factor))
        assert np.allclose(grown(small, factor, (1, 12, 17))[inner], ramp[inner], atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_weights_come_back(tmp_path: Path, pooling: Pooling) -> None:
    network = stirred(pooling)
    write_weights(tmp_path / "w.safetensors", network, {"steps": "7"})
    found, notes = read_weights(tmp_path / "w.safetensors", LearnedDescent)
    assert found.config == network.config and notes["steps"] == "7"
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)


def _damaged(path: Path, what: str) -> None:
    network = stirred()
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    said = {
        "kind": LearnedDescent.KIND,
        "network": json.dumps({"levels": [2, 1], "hidden": 8, "pooling": "sum", "colours": "free"}),
    }
    first = next(iter(tensors))
    if what == "shape":
        tensors[first] = tensors[first][:1].clone()
    elif what == "missing":
        del tensors[first]
    elif what == "more":
        tensors["steps.9.weight"] = torch.zeros(1)
    elif what == "nan":
        tensors[first][0, 0, 0, 0] = torch.nan
    elif what == "far":
        tensors[first] *= 1e30
    elif what == "half":
        tensors[first] = tensors[first].half()
    elif what == "true":
        said["network"] = said["network"].replace("8", "true")
    elif what == "kind":
        said["kind"] = "a face detector"
    elif what == "huge":
        said["network"] = json.dumps({"levels": [1] * 10**5, "hidden": 10**9})
    elif what == "config":
        said["network"] = json.dumps({"layers": 3})
    elif what == "no config":
        del said["network"]
    save_file(tensors, path, metadata=said)
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "pickle":
        torch.save(tensors, path)
    elif what == "empty":
        path.write_bytes(b"")


@pytest.mark.parametrize(
    "what",
    [
        "shape",
        "missing",
        "more",
        "nan",
        "far",
        "half",
        "true",
        "kind",
        "huge",
        "config",
        "no config",
        "cut",
        "pickle",
        "empty",
    ],
)
def test_wrong_weights_are_one_clear_error(tmp_path: Path, what: str) -> None:
    path = tmp_path / "w.safetensors"
    _damaged(path, what)
    with pytest.raises(FormatError, match=r"w\.safetensors: ") as caught:
        read_weights(path, LearnedDescent)
    assert "; " in str(caught.value)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_without_any_picture_nothing_is_pooled(scenes: list[TrainingScene], pooling: Pooling) -> None:
    """As where a frame changes in what no camera sees at the coarse level."""
    scene = scenes[0]
    shells = np.empty((*scene.scene.shape, 4), np.float32)
    NetworkSolver(stirred(pooling), scene.scene, SolveConfig().start).solve({}, shells)
    assert np.isfinite(shells).all() and (shells[0, ..., 3] == 1).all()


def test_weights_that_are_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file"):
        read_weights(tmp_path, LearnedDescent)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_weights(tmp_path / "none.safetensors", LearnedDescent)
