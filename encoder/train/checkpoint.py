"""Where a training run stands, in one file: weights, Adam's moments, and the step. safetensors, nothing that runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from encoder.train.config import TrainConfig
from protocol.errors import FormatError, UsageError
from protocol.storage import reporting, write_file

_KIND = "lfv training 2"
_MOST_DIGITS = 12


def write_checkpoint(path: Path, network: torch.nn.Module, adam: torch.optim.Adam, step: int, run: str) -> None:
    """Writes what `read_checkpoint` goes on from. Raises StorageError."""
    tensors = {f"weights.{name}": value for name, value in network.state_dict().items()}
    for index, moments in adam.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value for name, value in moments.items()}
    metadata = {"kind": _KIND, "step": str(step), "run": run}
    write_file(
        path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata=metadata)
    )


def read_checkpoint(path: Path, network: torch.nn.Module, adam: torch.optim.Adam, run: str) -> int:
    """Takes over weights and moments; returns how many steps they have seen.

    Raises:
        FormatError: it is no checkpoint. UsageError: it is another run's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = dict(file.metadata() or {})
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
    except (SafetensorError, OSError) as error:
        raise FormatError(f"{path}: no checkpoint ({error}); remove it, or train with --restart") from error
    if said.get("kind") != _KIND or not said.get("step", "").isdecimal() or len(said["step"]) > _MOST_DIGITS:
        raise FormatError(f"{path}: no checkpoint of lfv train; remove it, or train with --restart")
    if said.get("run") != run:
        raise UsageError(
            f"{path} is of a run with other settings, photographs or features; use those again, or give --restart"
        )
    if not all(bool(torch.isfinite(value).all()) for value in found.values()):
        raise FormatError(f"{path}: it holds what is no number; remove it, or train with --restart")
    moments: dict[int, dict[str, torch.Tensor]] = {}
    weights: dict[str, torch.Tensor] = {}
    try:
        for name, value in found.items():
            part, _, rest = name.partition(".")
            if part == "weights":
                weights[rest] = value
            else:
                index, _, key = rest.partition(".")
                moments.setdefault(int(index), {})[key] = value
        network.load_state_dict(weights)
        for index, parameter in enumerate(network.parameters()):
            if any(moments[index][key].shape != parameter.shape for key in ("exp_avg", "exp_avg_sq")):
                raise ValueError("moments")
        adam.load_state_dict(adam.state_dict() | {"state": moments})
    except (RuntimeError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: it does not fit its network; remove it, or train with --restart") from error
    return int(said["step"])


def describe_run(config: TrainConfig, files: Iterable[Path]) -> str:
    """What makes a run what it is: its settings, and what is in the files that it reads. Raises StorageError."""
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        with reporting(path, "read"):
            digest.update(path.read_bytes())
    return json.dumps({**asdict(config), "files": digest.hexdigest()}, sort_keys=True)
