"""Weights of the learned solvers on disk: safetensors, which holds numbers and text and can run nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from protocol.errors import FormatError
from protocol.storage import reporting, write_file

_MOST_BYTES = 256 << 20
_MOST = 1e3  # no trained weight is near; far beyond, what is computed with them is no number any more


class Learned(Protocol):
    """A network that is learned: what it calls itself, and what describes it (a dataclass with a `flaw`)."""

    KIND: ClassVar[str]
    CONFIG: ClassVar[type[Any]]
    config: Any

    def __init__(self, config: Any) -> None: ...
    def state_dict(self) -> dict[str, torch.Tensor]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def eval(self) -> Any: ...


_L = TypeVar("_L", bound=Learned)


def write_weights(path: Path, network: Learned, notes: Mapping[str, str]) -> None:
    """Writes weights, what network they are of, and notes on how they came about. Raises StorageError."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    metadata = {**notes, "kind": network.KIND, "network": json.dumps(asdict(network.config), sort_keys=True)}
    write_file(path, save(tensors, metadata=metadata))


def read_weights(path: Path, of: type[_L]) -> tuple[_L, dict[str, str]]:
    """The network and its notes.

    Raises:
        FormatError: it is no such file, another network's, or holds what is no weight. StorageError: it is unreadable.
    """
    with reporting(path, "read"):
        size = path.stat().st_size
        if not path.is_file():
            raise FormatError(f"{path}: no file; give one that lfv train wrote")
    if size > _MOST_BYTES:
        raise FormatError(
            f"{path}: {size / 2**20:.0f} MiB are more than weights take; give a file that lfv train wrote"
        )
    try:
        with safe_open(path, framework="pt") as file:
            notes = dict(file.metadata() or {})
            network = _network(path, of, notes)
            wanted = network.state_dict()
            if set(file.keys()) != set(wanted):
                odd = sorted(set(file.keys()) ^ set(wanted))[0]
                raise FormatError(f"{path}: '{odd}' does not belong to its network; give a file that lfv train wrote")
            found = {name: file.get_tensor(name) for name in wanted}
    except SafetensorError as error:
        raise FormatError(f"{path}: no safetensors file ({error}); give a file that lfv train wrote") from error
    for name, value in found.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise FormatError(f"{path}: '{name}' is {_said(value)}, {_said(wanted[name])} is needed; train anew")
        if not sound(value):
            raise FormatError(f"{path}: '{name}' holds a number that is no weight; train anew, or take an older file")
    network.load_state_dict(found)
    network.eval()
    return network, notes


def sound(weight: torch.Tensor) -> bool:
    """Whether this may be a trained weight."""
    return bool((weight.abs() <= _MOST).all())


def _said(value: torch.Tensor) -> str:
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"


def _network(path: Path, of: type[_L], notes: Mapping[str, str]) -> _L:
    if notes.get("kind") != of.KIND:
        raise FormatError(
            f"{path}: weights of something else ({notes.get('kind', 'unsaid')}), {of.KIND} is needed; give a file that "
            "lfv train wrote"
        )
    try:
        said: dict[str, Any] = json.loads(notes["network"])
        config = of.CONFIG(**{key: tuple(value) if isinstance(value, list) else value for key, value in said.items()})
        sound = config.flaw is None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise FormatError(f"{path}: its network is described wrongly; give a file that lfv train wrote")
    return of(config)
