"""`lfv train`: weights for the learned solver, from scenes that are made up on the way."""

from __future__ import annotations

import argparse
import hashlib
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from encoder.msi.network import LearnedDescent
from encoder.msi.scene import render_view
from encoder.msi.torch_steps import best_device
from encoder.msi.weights_file import write_weights
from encoder.train.checkpoint import describe_run, read_checkpoint, write_checkpoint
from encoder.train.config import TrainConfig, photographs, read_config
from encoder.train.loop import Network, Report, held_out_scene, make_network, solved, train
from encoder.train.textures import TextureBank
from encoder.train.vgg import Vgg
from player.pictures import encode_png
from protocol.errors import UsageError
from protocol.storage import reporting, write_file

HELP = (
    "Trains a solver that learns (DeepView's learned gradient descent, or Stereo Magnification) on scenes without end, "
    "and writes its weights for `encode --solver network --weights FILE` (or stereo). Killed, the same command goes on "
    "from the last checkpoint."
)
EXAMPLES = """\
  lfv train small.toml --out run/                       a run as the file describes it
  lfv train small.toml --out run/ --restart             from the beginning
  lfv train large.toml --out run/ --vgg vgg19.safetensors  with VGG19's features in the loss
"""
CHECKPOINT, WEIGHTS = "checkpoint.safetensors", "weights.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help="the run, see the README for its settings")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for checkpoint, weights and pictures")
    parser.add_argument("--restart", action="store_true", help="begin anew instead of going on")
    parser.add_argument(
        "--vgg", type=Path, metavar="FILE", help="VGG19's weights (safetensors, torchvision's names) for the loss"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: cuda where there is one (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(args: argparse.Namespace) -> int:
    """Trains; returns the exit code.

    Raises:
        UsageError, FormatError, CaptureError, StorageError: config, checkpoint, photographs or folder cannot be used.
        SolveError: the weights grow without bound.
    """
    config = read_config(args.config)
    with reporting(args.out, "make"):
        args.out.mkdir(parents=True, exist_ok=True)
    device = _device(args.device)
    photos = photographs(config, args.config.parent)
    bank = TextureBank(seed=config.seed, photos=photos, device=device)
    perceptual = None if args.vgg is None else Vgg(args.vgg, device).distance
    network, adam = make_network(config, device)
    checkpoint, weights = args.out / CHECKPOINT, args.out / WEIGHTS
    described = describe_run(config, photos if args.vgg is None else [*photos, args.vgg])
    if args.restart:
        with reporting(checkpoint, "remove"):
            checkpoint.unlink(missing_ok=True)
    first = 0
    if checkpoint.exists():
        first = read_checkpoint(checkpoint, network, adam, described)
        if first >= config.steps and weights.exists():
            print(f"the run is over, its weights are in {weights}; --restart begins anew")
            return 0
        if not args.quiet:
            print(f"going on after step {first} of {config.steps}")
    began = time.monotonic()
    last: list[Report] = []

    def on_report(report: Report) -> None:
        last[:] = [report]
        if not args.quiet:
            print(_line(report, config, began, first), flush=True)

    def on_step(done: int) -> None:
        if done % config.pictures_every == 0 or done == config.steps:
            write_file(args.out / f"step{done:06d}.png", _picture(network, bank, config))
        if done % config.checkpoint_every == 0 or done == config.steps:
            write_checkpoint(checkpoint, network, adam, done, described)

    train(
        config,
        network,
        adam,
        bank,
        first=first,
        perceptual=perceptual,
        on_report=on_report,
        on_step=on_step,
    )
    if config.written and isinstance(network, LearnedDescent):
        network = network.first(config.written)
    write_weights(weights, network, _notes(args.config, config, last))
    print(f"weights of {sum(p.numel() for p in network.parameters())} parameters in {weights}")
    return 0


def _line(report: Report, config: TrainConfig, began: float, first: int) -> str:
    left = (time.monotonic() - began) / max(1, report.step - first) * (config.steps - report.step)
    start_db, *after = report.psnr or (float("nan"),)
    return (
        f"step {report.step}/{config.steps}  loss {report.loss:.3f} of the start's  held out {start_db:.2f} dB, then "
        f"{', '.join(f'{value:.2f}' for value in after)}  {left / 60:.0f} min left"
    )


def _picture(network: Network, bank: TextureBank, config: TrainConfig) -> bytes:
    """PNG: truth, the start, and the result at the targets of a few held-out scenes, row by row."""
    rows = []
    for k in range(min(4, max(1, config.held_out))):
        scene = held_out_scene(config, bank, k)
        begun, *_, done = solved(network, scene)
        for view in scene.judged.views:
            seen = [render_view(scene.scene, shells, view)[0][..., :3] for shells in (begun, done)]
            rows.append(np.concatenate([scene.images[view.name] / np.float32(255), *seen], axis=1))
    return encode_png((np.concatenate(rows) * 255).clip(0, 255).round().astype(np.uint8))


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch sees no CUDA device here; give --device cpu, or a torch built for CUDA")
    return best_device() if name == "auto" else torch.device(name)


def _notes(path: Path, config: TrainConfig, last: list[Report]) -> dict[str, str]:
    notes = {"config": path.name, "steps": str(config.steps), "seed": str(config.seed), "settings": str(asdict(config))}
    if last and last[0].psnr:
        notes["held_out_psnr"] = ", ".join(f"{value:.2f}" for value in last[0].psnr)
    notes["config_digest"] = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
    return notes
