"""Learned descent: steps that improve untrained, that ask for no order or number of cameras, and weights on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from encoder.msi.network import LearnedDescent, NetworkConfig, Pooling
from encoder.msi.network_solve import improve
from encoder.msi.scene import Scene
from encoder.msi.views import Floats
from encoder.msi.weights_file import KIND, read_weights, write_weights
from encoder.train.loop import held_out_psnr, start
from encoder.train.scenes import SceneConfig, TrainingScene, make_scene
from encoder.train.textures import TextureBank
from protocol.errors import FormatError, StorageError

SMALL = SceneConfig(side=32, shells=(8, 8), cameras=(5, 5), shift=(8, 12))
POOLINGS: tuple[Pooling, ...] = ("sum", "maximum", "attention")


@pytest.fixture(scope="module")
def scenes() -> list[TrainingScene]:
    bank = TextureBank(seed=3, count=24)
    return [make_scene([3, k], bank, SMALL) for k in range(4)]


def stirred(pooling: Pooling = "sum") -> LearnedDescent:
    """Weights that do something everywhere."""
    torch.manual_seed(1)
    network = LearnedDescent(NetworkConfig(steps=2, hidden=8, pooling=pooling))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network.eval()


def taken(scene: TrainingScene, order: Sequence[int]) -> tuple[Scene, list[Floats]]:
    views = tuple(scene.scene.views[k] for k in order)
    return Scene(scene.scene.window, scene.scene.disparities, views), [scene.pictures[k] for k in order]


def test_untrained_it_is_gauss_newton_and_improves(scenes: list[TrainingScene]) -> None:
    before, *after = held_out_psnr(LearnedDescent(NetworkConfig(steps=3, hidden=8)), scenes)
    assert after[0] > before + 0.3 and after[2] > before + 0.6


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_order_of_the_cameras_does_not_matter(scenes: list[TrainingScene], pooling: Pooling) -> None:
    network, scene = stirred(pooling), scenes[0]
    shells = start(scene)
    results = [improve(network, *taken(scene, order), shells.copy()) for order in (range(5), (3, 0, 4, 2, 1))]
    assert np.abs(results[0] - shells).max() > 0.05
    assert np.allclose(*results, atol=2e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_any_number_of_cameras(scenes: list[TrainingScene], pooling: Pooling, count: int) -> None:
    scene = scenes[1]
    found = improve(stirred(pooling), *taken(scene, range(count)), start(scene))
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1 and (found[0, ..., 3] == 1).all()


def test_a_few_shells_at_a_time_are_as_good_as_all(
    scenes: list[TrainingScene], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, scene = stirred(), scenes[2]
    shells = start(scene)
    few = improve(network, scene.scene, scene.pictures, shells.copy())
    monkeypatch.setattr("encoder.msi.network_solve._AT_ONCE", 100)
    assert np.allclose(few, improve(network, scene.scene, scene.pictures, shells.copy()), atol=1e-5)


def test_only_free_texels_change(scenes: list[TrainingScene]) -> None:
    scene = scenes[3]
    shells = start(scene)
    free = np.zeros(shells.shape[:3], np.uint8)
    free[2:5, 8:20, 4:30] = 1
    found = improve(stirred(), scene.scene, scene.pictures, shells.copy(), free=free)
    changed = (found != shells).any(axis=-1)
    assert changed.any() and not changed[free == 0].any()


def test_a_camera_without_a_picture_says_nothing(scenes: list[TrainingScene]) -> None:
    scene, network = scenes[0], stirred()
    shells = start(scene)
    blind = [np.zeros_like(p) if k == 2 else p for k, p in enumerate(scene.pictures)]
    found = improve(network, scene.scene, blind, shells.copy())
    assert np.allclose(found, improve(network, *taken(scene, (0, 1, 3, 4)), shells.copy()), atol=1e-5)
    nobody = [np.zeros_like(p) for p in scene.pictures]
    assert np.isfinite(improve(network, scene.scene, nobody, shells.copy())).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_weights_come_back(tmp_path: Path, pooling: Pooling) -> None:
    network = stirred(pooling)
    write_weights(tmp_path / "w.safetensors", network, {"steps": "7"})
    found, notes = read_weights(tmp_path / "w.safetensors")
    assert found.config == network.config and notes["steps"] == "7"
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)


def _damaged(path: Path, what: str) -> None:
    network = stirred()
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    said = {"kind": KIND, "network": json.dumps({"steps": 2, "hidden": 8, "pooling": "sum", "colours": "free"})}
    first = next(iter(tensors))
    if what == "shape":
        tensors[first] = tensors[first][:1].clone()
    elif what == "missing":
        del tensors[first]
    elif what == "more":
        tensors["steps.9.weight"] = torch.zeros(1)
    elif what == "nan":
        tensors[first][0, 0, 0, 0] = torch.nan
    elif what == "half":
        tensors[first] = tensors[first].half()
    elif what == "kind":
        said["kind"] = "a face detector"
    elif what == "huge":
        said["network"] = json.dumps({"steps": 10**9, "hidden": 10**9})
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
    ["shape", "missing", "more", "nan", "half", "kind", "huge", "config", "no config", "cut", "pickle", "empty"],
)
def test_wrong_weights_are_one_clear_error(tmp_path: Path, what: str) -> None:
    path = tmp_path / "w.safetensors"
    _damaged(path, what)
    with pytest.raises(FormatError, match=r"w\.safetensors: ") as caught:
        read_weights(path)
    assert "; " in str(caught.value)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_weights(tmp_path / "none.safetensors")
