"""Readers of calibrations, one module per format. Each has FORMAT, LOOKED_FOR, `find(folder)` and `read(path)`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from encoder.rig.calibration import Calibration
from protocol.errors import RigError

# Those whose file can belong to nothing else come first; COLMAP and LLFF often lie beside what was made from them.
_READERS = ("broxton", "basalt", "caliscope", "qualisys", "omnimvs", "transforms", "colmap", "llff")


def read_calibration(folder: Path) -> Calibration:
    """The calibration that the folder holds.

    Raises:
        RigError: it holds none that is known, or a damaged one.
    """
    try:
        empty = not any(folder.iterdir())
    except OSError as error:
        raise RigError(f"{folder}: {(error.strerror or 'unreadable').lower()}; make it readable") from error
    if empty:
        raise RigError(f"{folder}: the folder is empty; it must hold a calibration and the cameras' footage")
    looked_for = []
    for name in _READERS:
        reader = importlib.import_module(f"{__name__}.{name}")
        path: Path | None = reader.find(folder)
        if path is not None:
            return _read(reader, path)
        looked_for.append(reader.LOOKED_FOR)
    raise RigError(f"{folder}: no calibration found; add one of {', '.join(looked_for)}")


def _read(reader: ModuleType, path: Path) -> Calibration:
    try:
        found: Calibration = reader.read(path)
    except RigError as error:
        if str(path.parent) in str(error):
            raise
        raise RigError(f"{path}: {error}") from error  # of a lens, which knows no file
    return found
