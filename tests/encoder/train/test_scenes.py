"""Made-up scenes: the same by the same seed, and what they show is where they say that it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from encoder.metrics import psnr_of
from encoder.msi.network_solve import pictures_of
from encoder.msi.solve import SolveConfig
from encoder.msi.sweep import sweep
from encoder.train.rendered import rendered
from encoder.train.scenes import SceneConfig, TrainingScene, make_scene
from encoder.train.textures import TextureBank

CLEAN = SceneConfig(side=40, shells=(24, 24), exposure=0.0, noise=0.0, blur=0.0, turn=0.0)


@pytest.fixture(scope="module")
def bank() -> TextureBank:
    return TextureBank(seed=5, count=24)


def _same(a: TrainingScene, b: TrainingScene) -> bool:
    return a.images.keys() == b.images.keys() and all(
        np.array_equal(image, b.images[name]) for name, image in a.images.items()
    )


def test_a_seed_is_a_scene(bank: TextureBank) -> None:
    first, again, other = (make_scene(seed, bank, CLEAN) for seed in ([1, 2], [1, 2], [1, 3]))
    assert _same(first, again) and not _same(first, other)
    assert _same(first, make_scene([1, 2], TextureBank(seed=5, count=24), CLEAN))


def test_there_are_rigs_of_both_kinds_and_of_many_sizes(bank: TextureBank) -> None:
    config = SceneConfig(side=16, shells=(4, 9), cameras=(2, 9), patches=(1, 3))
    made = [make_scene([7, k], bank, config) for k in range(24)]
    assert {scene.scene.window.kind for scene in made} == {"plane", "sphere"}
    assert len({len(scene.scene.views) for scene in made}) >= 5
    for scene in made:
        assert 4 <= len(scene.scene.disparities) <= 9 and len(scene.judged.views) == config.targets
        assert scene.images.keys() == {view.name for view in (*scene.scene.views, *scene.judged.views)}
        assert all(image.shape == (16, 16, 3) and image.dtype == np.uint8 for image in scene.images.values())


def test_cameras_see_one_world(bank: TextureBank) -> None:
    """A sweep of it shows the targets better than the mean colour of what is there does, by far."""
    found, plain = [], []
    for k in range(4):
        scene = make_scene([11, k], bank, CLEAN)
        pictures, truths = (pictures_of(part, scene.images, 1) for part in (scene.scene, scene.judged))
        shells = torch.from_numpy(sweep(scene.scene, pictures, SolveConfig().start)).movedim(-1, -3)
        for seen, truth, weight in zip(rendered(shells, scene.judged), truths, scene.judged.weights, strict=True):
            mask = weight.reshape(truth.shape[:2]) > 0
            wanted = truth[..., :3][mask]
            found.append(float(((seen.permute(1, 2, 0).numpy()[mask] - wanted) ** 2).mean()))
            plain.append(float(wanted.var(axis=0).mean()))
    assert psnr_of(float(np.mean(found))) > psnr_of(float(np.mean(plain))) + 8
