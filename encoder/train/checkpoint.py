"""Where a training run stands, in one file: weights, Adam's moments, and the step. safetensors, nothing that runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from encoder.train.config import TrainConfig
from protocol.errors import FormatError, UsageError
from protocol.storage import write_file

_KIND = "lfv training 1"


def write_checkpoint(
    path: Path, network: torch.nn.Module, adam: torch.optim.Adam, step: int, config: TrainConfig
) -> None:
    """Writes what `read_checkpoint` goes on from. Raises StorageError."""
    tensors = {f"weights.{name}": value for name, value in network.state_dict().items()}
    for index, moments in adam.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value for name, value in moments.items()}
    metadata = {"kind": _KIND, "step": str(step), "config": _text(config)}
    write_file(
        path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata=metadata)
    )


def read_checkpoint(path: Path, network: torch.nn.Module, adam: torch.optim.Adam, config: TrainConfig) -> int:
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
    if said.get("kind") != _KIND or not said.get("step", "").isdecimal():
        raise FormatError(f"{path}: no checkpoint of lfv train; remove it, or train with --restart")
    if said.get("config") != _text(config):
        raise UsageError(f"{path} is of a run with other settings; use those again, or begin anew with --restart")
    moments: dict[int, dict[str, torch.Tensor]] = {}
    weights: dict[str, torch.Tensor] = {}
    for name, value in found.items():
        part, _, rest = name.partition(".")
        if part == "weights":
            weights[rest] = value
        else:
            index, _, key = rest.partition(".")
            moments.setdefault(int(index), {})[key] = value
    try:
        network.load_state_dict(weights)
        adam.load_state_dict(adam.state_dict() | {"state": moments})
    except (RuntimeError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: it does not fit its network; remove it, or train with --restart") from error
    return int(said["step"])


def _text(config: TrainConfig) -> str:
    return json.dumps(asdict(config), sort_keys=True)
