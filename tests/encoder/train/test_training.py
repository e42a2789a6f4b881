"""`lfv train` at toy size: killed and resumed it ends with the same weights; losses and errors are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from encoder import cli
from encoder.commands.train import CHECKPOINT, WEIGHTS
from encoder.msi.network import LearnedDescent
from encoder.msi.stereo import StereoNetwork
from encoder.msi.weights_file import read_weights
from encoder.train import loop
from encoder.train.config import read_config
from encoder.train.loss import LossConfig, unlikeness
from encoder.train.rendered import rendered
from encoder.train.scenes import SceneConfig, make_scene
from encoder.train.textures import TextureBank
from protocol.errors import FormatError, UsageError

TOY = """
steps = 4
rate = 0.003
held_out = 1
report_every = 2
checkpoint_every = 1
pictures_every = 4
[scene]
side = 16
cameras = [3, 4]
shells = [4, 5]
patches = [1, 3]
[network]
levels = [2, 1]
hidden = 4
"""


STEREO = TOY.replace("cameras = [3, 4]", "cameras = [2, 2]").replace("[network]\nlevels = [2, 1]\nhidden = 4", "") + (
    "beyond = 1.0\n[stereo]\nwidth = 3\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TOY)
    return path


class Killed(Exception):
    """As a process that is no more: nothing after it runs."""


@pytest.mark.parametrize("of", [LearnedDescent, StereoNetwork])
def test_killed_and_resumed_ends_with_the_same_weights(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    of: type[LearnedDescent] | type[StereoNetwork],
) -> None:
    if of is StereoNetwork:
        config.write_text('solver = "stereo"\n' + STEREO)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert cli.main(["train", str(config), "--out", str(whole)]) == 0
    said = capsys.readouterr().out
    assert "step 4/4" in said and "held out" in said and (whole / "step000004.png").exists()
    learn = loop.learn
    calls = iter(range(100))

    def dying(*args: object) -> list[float]:
        if next(calls) == 2:
            raise Killed
        return learn(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(loop, "learn", dying)
        with pytest.raises(Killed):
            cli.main(["train", str(config), "--out", str(broken)])
    assert not (broken / WEIGHTS).exists()
    capsys.readouterr()
    assert cli.main(["train", str(config), "--out", str(broken)]) == 0
    assert "going on after step 2 of 4" in capsys.readouterr().out
    (found, _), (wanted, notes) = (read_weights(folder / WEIGHTS, of) for folder in (broken, whole))
    assert notes["steps"] == "4" and notes["seed"] == "0"
    for name, value in wanted.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    untrained, _ = loop.make_network(read_config(config))
    assert any(not torch.equal(value, untrained.state_dict()[name]) for name, value in wanted.state_dict().items())


def test_another_runs_checkpoint_is_refused(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert cli.main(["train", str(config), "--out", str(out), "--quiet"]) == 0
    config.write_text(TOY.replace("rate = 0.003", "rate = 0.001"))
    assert cli.main(["train", str(config), "--out", str(out)]) == UsageError.exit_code
    assert "--restart" in capsys.readouterr().err
    (out / CHECKPOINT).write_bytes(b"no checkpoint")
    assert cli.main(["train", str(config), "--out", str(out)]) == FormatError.exit_code
    assert "no checkpoint" in capsys.readouterr().err
    assert cli.main(["train", str(config), "--out", str(out), "--restart", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps = ", "no TOML"),
        ("step = 3", "'step' is no setting"),
        ("steps = -1", "'steps' cannot be -1"),
        ("steps = 1.5", "'steps' cannot be 1.5"),
        ("[network]\npooling = 'mean'", "'pooling' cannot be 'mean'"),
        ("[network]\nlevels = []", "levels are 1 to 16"),
        ("[network]\nlevels = [1, 2]", "none larger than the one before"),
        ("[network]\nlevels = [3]", "powers of two"),
        ("[network]\nhidden = 0", "hidden is"),
        ("[scene]\nshells = [3]", "'shells' cannot be"),
        ("[scene]\nshells = [9, 3]", "'shells' cannot be"),
        ("solver = 'stereo'", "stereo has two cameras"),
        ("[scene]\ncameras = [1, 3]", "depth needs two cameras"),
        ("[stereo]\nwidth = 0", "width is"),
        ("scene = 3", "'scene' is a table"),
        ("[loss]\nstyle = 1.0", "'style' is no setting"),
    ],
)
def test_wrong_configs_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


def test_no_photographs_where_the_config_says(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("photos = ['none/*.png']\n" + TOY)
    assert cli.main(["train", str(config), "--out", str(tmp_path / "run")]) == UsageError.exit_code
    assert "none/*.png: no photograph there" in capsys.readouterr().err


@pytest.mark.parametrize("share", [1.0, 1e-6])
def test_the_slope_of_a_loss_reaches_the_shells(share: float) -> None:
    scene = make_scene([1, 1], TextureBank(seed=1, count=8), SceneConfig(side=16, shells=(4, 4), cameras=(3, 3)))
    torch.manual_seed(0)
    height, width = scene.scene.shape[1:]
    shells = torch.rand(4, 4, height, width, requires_grad=True)
    wanted = [torch.rand_like(picture) for picture in rendered(shells.detach(), scene.judged)]

    def loss(of: torch.Tensor) -> torch.Tensor:
        return share * sum(
            ((a * b).sum() for a, b in zip(rendered(of, scene.judged), wanted, strict=True)), torch.zeros(())
        )

    loss(shells).backward()
    assert shells.grad is not None
    direction = torch.rand_like(shells) - 0.5
    step = 1e-2
    with torch.no_grad():
        # Only rays within the window have a slope; the others do not move the sum where their weight is 0.
        inside = [
            torch.from_numpy(w.reshape(p.shape[1:]) > 0) for w, p in zip(scene.judged.weights, wanted, strict=True)
        ]
        wanted = [p * mask for p, mask in zip(wanted, inside, strict=True)]
        numeric = (loss(shells + step * direction) - loss(shells - step * direction)) / (2 * step)
    assert float((shells.grad * direction).sum()) == pytest.approx(float(numeric), rel=3e-2)


def test_the_loss_of_the_same_picture_is_0_and_blur_costs_more_than_its_error() -> None:
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.random((3, 24, 24), np.float32))
    mask = torch.ones(24, 24)
    assert float(unlikeness(truth, truth, mask, LossConfig())) == pytest.approx(0, abs=1e-6)
    blurred = torch.nn.functional.avg_pool2d(truth[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    error = float(((blurred - truth) ** 2).mean())
    brighter = truth + error**0.5
    config = LossConfig(ssim=0.01)
    costs = [float(unlikeness(picture, truth, mask, config)) for picture in (blurred, brighter)]
    assert costs[0] > 1.2 * costs[1]
    mask[:, 12:] = 0
    half = truth.clone()
    half[:, :, 13:] += 1
    assert float(unlikeness(half, truth, mask, LossConfig(ssim=0))) == 0
