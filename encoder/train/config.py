"""What `lfv train` is told by a file: TOML, one table for each part."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from encoder.msi.network import NetworkConfig
from encoder.msi.stereo import StereoConfig
from encoder.train.loss import LossConfig
from encoder.train.scenes import SceneConfig
from protocol.errors import UsageError

_C = TypeVar("_C")
_LEAST_SIDE, _MOST_SIDE = 8, 1024  # pixels of a picture: at the coarsest level, and in full
_MOST_SCALES = 6


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        solver: what is trained: "network" (`network`) or "stereo" (`stereo`), whose scenes have two cameras.
        steps: updates of the weights; scenes: made for each.
        rate: Adam's, along a cosine to a fiftieth.
        clip: norm of the gradient, at most.
        seed: of weights, scenes and textures.
        source_share: of the loss at the source views, beside that at the targets.
        photos: patterns of photographs' paths, from the config file's folder, that textures are cut from.
        written: steps of the network whose weights are written, 0 for all: reports tell what those behind would add.
        held_out: scenes that are never trained on, for progress.
        report_every, checkpoint_every, pictures_every: steps.
    """

    solver: Literal["network", "stereo"] = "network"
    steps: int = 4000
    scenes: int = 1
    rate: float = 1e-3
    clip: float = 1.0
    seed: int = 0
    source_share: float = 0.3
    photos: tuple[str, ...] = ()
    written: int = 0
    held_out: int = 8
    report_every: int = 50
    checkpoint_every: int = 100
    pictures_every: int = 500
    scene: SceneConfig = field(default_factory=SceneConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    stereo: StereoConfig = field(default_factory=StereoConfig)
    loss: LossConfig = field(default_factory=LossConfig)


def read_config(path: Path) -> TrainConfig:
    """The run that a file describes; what it leaves out is as in `TrainConfig`.

    Raises:
        UsageError: it cannot be read, or holds what is no setting.
    """
    try:
        said = tomllib.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'unreadable').lower()}; give a training config") from error
    except ValueError as error:
        raise UsageError(f"{path}: no TOML ({error}); mend it") from error
    config: TrainConfig = _built(TrainConfig, said, str(path))
    for name, flaw in (("network", config.network.flaw), ("stereo", config.stereo.flaw)):
        if flaw is not None:
            raise UsageError(f"{path}, {name}: {flaw}")
    if config.solver == "stereo" and config.scene.cameras != (2, 2):
        raise UsageError(f"{path}, scene: stereo has two cameras; give cameras = [2, 2]")
    flaw = _flaw(config)
    if flaw is not None:
        raise UsageError(f"{path}, {flaw}")
    return config


def _flaw(config: TrainConfig) -> str | None:
    """What cannot be trained, if anything."""
    scene = config.scene
    for name in ("steps", "scenes", "report_every", "checkpoint_every", "pictures_every", "rate", "clip"):
        if getattr(config, name) <= 0:
            return f"'{name}' is more than 0"
    if config.seed >= 1 << 63:
        return "'seed' is less than 2^63"
    if scene.cameras[0] < 2:
        return "scene: depth needs two cameras; give cameras from 2 on"
    if scene.shells[0] < 2 or scene.targets < 1:
        return "scene: there are 2 shells and 1 target at least"
    if scene.shift[0] <= 0 or scene.texel[0] <= 0:
        return "scene: 'shift' and 'texel' begin above 0"
    if not 1 <= config.loss.scales <= _MOST_SCALES:
        return f"loss: 'scales' is a number from 1 to {_MOST_SCALES}"
    coarsest = 1 if config.solver == "stereo" else config.network.levels[0]
    least = coarsest * max(_LEAST_SIDE, 2**config.loss.scales)
    if not least <= scene.side <= _MOST_SIDE:
        return f"scene: 'side' is a number from {least}, at this network's coarsest level, to {_MOST_SIDE}"
    return None


def photographs(config: TrainConfig, folder: Path) -> list[Path]:
    """The photographs that the patterns find from `folder`, in order. Raises UsageError: a pattern finds none."""
    found: list[Path] = []
    for pattern in config.photos:
        root = Path("/") if pattern.startswith("/") else folder
        try:
            here = sorted(path for path in root.glob(pattern.removeprefix("/")) if path.is_file())
        except (ValueError, NotImplementedError, IndexError) as error:
            raise UsageError(f"photos: {pattern!r} is no pattern of paths ({error})") from error
        if not here:
            raise UsageError(f"{pattern}: no photograph there; change 'photos' in the config, or leave it out")
        found += here
    return found


def _built(kind: type[_C], said: Mapping[str, Any], where: str) -> _C:
    hints = get_type_hints(kind)
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name not in known:
            raise UsageError(f"{where}: '{name}' is no setting; there are {', '.join(sorted(known))}")
        wanted = hints[name]
        if is_dataclass(wanted):
            if not isinstance(value, dict):
                raise UsageError(f"{where}: '{name}' is a table of settings")
            values[name] = _built(wanted, value, f"{where}, {name}")  # type: ignore[arg-type]
        else:
            values[name] = _checked(wanted, value, f"{where}: '{name}'")
    return kind(**values)


def _checked(wanted: Any, value: Any, what: str) -> Any:
    """The value as its field's type has it."""
    choices: tuple[Any, ...] = getattr(wanted, "__args__", ())
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    if wanted is int and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if getattr(wanted, "__origin__", None) is tuple and isinstance(value, list):
        if choices[-1] is ... or len(value) == len(choices):
            kinds = [choices[0]] * len(value) if choices[-1] is ... else choices
            found = tuple(_checked(kind, one, what) for kind, one in zip(kinds, value, strict=True))
            if choices[-1] is ... or list(found) == sorted(found):
                return found
    elif (wanted is str and isinstance(value, str)) or value in choices:
        return value
    raise UsageError(f"{what} cannot be {value!r}")
