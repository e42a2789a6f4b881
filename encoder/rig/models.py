"""The camera models by name, and how a stored one is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from encoder.rig.camera_model import CameraModel
from encoder.rig.fisheye import DoubleSphere, KannalaBrandt
from encoder.rig.ocam import Ocam
from encoder.rig.perspective import Pinhole, Radtan
from protocol.errors import RigError

__all__ = ["KINDS", "CameraModel", "DoubleSphere", "KannalaBrandt", "Ocam", "Pinhole", "Radtan", "model_from_dict"]

KINDS: dict[str, type[CameraModel]] = {
    model.kind: model for model in (Pinhole, Radtan, KannalaBrandt, DoubleSphere, Ocam)
}


def model_from_dict(stored: Mapping[str, Any]) -> CameraModel:
    """What `CameraModel.to_dict` gave -> the model.

    Raises:
        RigError: a field is missing, of a wrong type, or impossible.
    """
    if not isinstance(stored, Mapping):
        raise RigError(f"camera model: a table is needed, this is {type(stored).__name__}")
    for name, kinds in (("kind", str), ("width", int), ("height", int), ("params", Sequence)):
        value = stored.get(name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise RigError(f"camera model: field '{name}' is missing or is not {kinds.__name__.lower()}")
    model = KINDS.get(stored["kind"])
    if model is None:
        raise RigError(f"camera model: unknown kind '{stored['kind']}'; known are {', '.join(KINDS)}")
    params = stored["params"]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in params) or len(params) > 64:
        raise RigError("camera model: params must be a list of at most 64 numbers")
    return model(stored["width"], stored["height"], tuple(float(value) for value in params))
