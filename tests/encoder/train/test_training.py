"""`lfv train` at toy size: killed and resumed it ends with the same weights; losses and errors are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from encoder import cli
from encoder.commands.train import CHECKPOINT, WEIGHTS
from encoder.msi.network import LearnedDescent
from encoder.msi.stereo import StereoNetwork
from encoder.msi.weights_file import read_weights
from encoder.train import loop
from encoder.train.config import read_config
from encoder.train.loss import LossConfig, unlikeness
from encoder.train.rendered import rendered, rendered_by_torch
from encoder.train.scenes import SceneConfig, make_scene
from encoder.train.textures import TextureBank
from encoder.train.vgg import Vgg
from protocol.errors import FormatError, SolveError, UsageError

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
    untrained, _ = loop.make_network(read_config(config), torch.device("cpu"))
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


def test_a_run_that_is_over_stays_as_it_is(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert cli.main(["train", str(config), "--out", str(out), "--quiet"]) == 0
    before = (out / WEIGHTS).read_bytes()
    assert cli.main(["train", str(config), "--out", str(out)]) == 0
    assert "the run is over" in capsys.readouterr().out
    assert (out / WEIGHTS).read_bytes() == before
    network, notes = read_weights(out / WEIGHTS, LearnedDescent)
    (out / WEIGHTS).unlink()  # killed between the last checkpoint and the weights
    assert cli.main(["train", str(config), "--out", str(out), "--quiet"]) == 0
    again, found = read_weights(out / WEIGHTS, LearnedDescent)
    assert found == notes and "held_out_psnr" in notes
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())


def test_only_the_first_steps_are_written(config: Path, tmp_path: Path) -> None:
    found = {}
    for written in (0, 1):
        config.write_text(f"written = {written}\n" + TOY)
        assert cli.main(["train", str(config), "--out", str(tmp_path / str(written)), "--quiet"]) == 0
        found[written], _ = read_weights(tmp_path / str(written) / WEIGHTS, LearnedDescent)
    assert found[1].config.levels == (2,) and found[0].config.levels == (2, 1)
    for name, value in found[1].state_dict().items():
        assert torch.equal(found[0].state_dict()[name], value), name


def test_restart_forgets_at_once(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    assert cli.main(["train", str(config), "--out", str(out), "--quiet"]) == 0

    def dying(*_: object) -> list[float]:
        raise Killed

    monkeypatch.setattr(loop, "learn", dying)
    with pytest.raises(Killed):
        cli.main(["train", str(config), "--out", str(out), "--restart", "--quiet"])
    assert not (out / CHECKPOINT).exists()


@pytest.mark.parametrize("pattern", ["", "/", "a**b", "nowhere/*.jpg"])
def test_photographs_that_are_not_there(config: Path, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(f'photos = ["{pattern}"]\n' + TOY)
    assert cli.main(["train", str(config), "--out", str(config.parent / "run")]) == UsageError.exit_code
    assert "photo" in capsys.readouterr().err


def test_a_run_that_diverges_says_so(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    config.write_text(TOY.replace("rate = 0.003", "rate = 1e37"))
    assert cli.main(["train", str(config), "--out", str(out), "--quiet"]) == SolveError.exit_code
    assert "lower 'rate'" in capsys.readouterr().err
    assert not (out / WEIGHTS).exists()


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
        ("checkpoint_every = 0", "'checkpoint_every' is more than 0"),
        ("scenes = 0", "'scenes' is more than 0"),
        ("rate = inf", "'rate' cannot be inf"),
        (f"seed = {1 << 70}", "'seed' is less"),
        ("[scene]\ncameras = [2, 'x']", "'cameras' cannot be 'x'"),
        ("[scene]\nshells = [[1], 2]", "'shells' cannot be .1."),
        ("[scene]\nshells = [0, 0]", "2 shells and 1 target"),
        ("[scene]\ntargets = 0", "2 shells and 1 target"),
        ("[scene]\nshift = [0, 0]", "begin above 0"),
        ("[scene]\nnoise = inf", "'noise' cannot be inf"),
        ("[scene]\nside = 5", "'side' is a number from 16"),
        ("[scene]\nside = 24\n[network]\nlevels = [8]", "'side' is a number from 64"),
        ("[loss]\nscales = 20", "'scales' is a number"),
        ("[loss]\nstyle = 1.0", "'style' is no setting"),
    ],
)
def test_wrong_configs_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


def test_the_runs_that_come_along_are_runs() -> None:
    found = {path.name: read_config(path) for path in Path(loop.__file__).parent.glob("runs/*.toml")}
    assert {"small.toml", "stereo.toml", "large.toml"} == set(found)
    assert found["stereo.toml"].solver == "stereo" and found["large.toml"].steps > found["small.toml"].steps


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


def test_plain_torch_renders_the_same_and_its_slopes_are_the_kernels() -> None:
    """What losses are taken of on CUDA, on this machine's CPU."""
    for seed in ([1, 1], [1, 4]):
        scene = make_scene(seed, TextureBank(seed=1, count=8), SceneConfig(side=16, shells=(4, 4), cameras=(3, 3)))
        inside = torch.from_numpy(np.concatenate(scene.judged.weights) > 0)
        torch.manual_seed(0)
        texels = torch.rand(4, 4, *scene.scene.shape[1:]) * 0.8
        found = []
        for plain in (False, True):
            shells = texels.clone().requires_grad_()
            colours = (
                rendered_by_torch(shells, scene.judged)
                if plain
                else torch.cat([view.reshape(3, -1).T for view in rendered(shells, scene.judged)])
            )[inside]
            (colours**2).sum().backward()
            assert shells.grad is not None
            found.append((colours.detach(), shells.grad))
        assert len(found[0][0]) > 100
        assert torch.allclose(found[0][0], found[1][0], atol=1e-4)
        assert float((found[0][1] - found[1][1]).abs().max()) < 0.02 * float(found[1][1].abs().max())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("solver", ["network", "stereo"])
def test_training_on_cuda(config: Path, tmp_path: Path, solver: str) -> None:
    if solver == "stereo":
        config.write_text('solver = "stereo"\n' + STEREO)
    out = tmp_path / "run"
    assert cli.main(["train", str(config), "--out", str(out), "--device", "cuda", "--quiet"]) == 0
    network = read_weights(out / WEIGHTS, StereoNetwork if solver == "stereo" else LearnedDescent)[0]
    untrained, _ = loop.make_network(read_config(config), torch.device("cpu"))
    assert any(
        not torch.equal(value, untrained.state_dict()[name].cpu()) for name, value in network.state_dict().items()
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_that_is_not_there(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", str(config), "--out", str(tmp_path / "r"), "--device", "cuda"]) == UsageError.exit_code
    assert "no CUDA device" in capsys.readouterr().err


def test_vgg_features_are_part_of_the_loss_where_there_are_weights(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random ones, of the real network's shapes: none can be downloaded here."""
    torch.manual_seed(0)
    channels, tensors, place = 3, {"classifier.0.weight": torch.zeros(1)}, 0
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512):
        if width:
            tensors[f"features.{place}.weight"] = torch.randn(width, channels, 3, 3).half() / (9 * channels) ** 0.5
            tensors[f"features.{place}.bias"] = torch.zeros(width).half()
            channels = width
        place += 2 if width else 1
    path = tmp_path / "vgg19.safetensors"
    save_file(tensors, path)
    picture = torch.rand(3, 20, 24)
    vgg = Vgg(path, torch.device("cpu"))
    assert float(vgg.distance(picture, picture)) == 0
    nearer, farther = (vgg.distance(picture, picture + share * torch.rand(3, 20, 24)) for share in (0.1, 0.5))
    assert 0 < nearer < farther
    config.write_text(TOY.replace("steps = 4", "steps = 1", 1))
    found = []
    for name, options in (("plain", []), ("vgg", ["--vgg", str(path)])):
        assert cli.main(["train", str(config), "--out", str(tmp_path / name), "--quiet", *options]) == 0
        found.append(read_weights(tmp_path / name / WEIGHTS, LearnedDescent)[0].state_dict())
    assert any(not torch.equal(value, found[1][name]) for name, value in found[0].items())
    capsys.readouterr()
    del tensors["features.5.bias"]
    tensors["features.0.weight"] = torch.zeros(64, 3, 5, 5)
    for damaged, words in ((tensors, "VGG19 has"), ({"a": torch.zeros(1)}, "features.0.weight")):
        save_file(damaged, path)
        arguments = ["train", str(config), "--out", str(tmp_path / "w"), "--vgg", str(path)]
        assert cli.main(arguments) == FormatError.exit_code
        said = capsys.readouterr().err
        assert words in said and "give torchvision's vgg19 weights" in said


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
