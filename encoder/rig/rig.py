"""The rig: its cameras with their models, poses and footage, and the sparse points of the scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from encoder.rig.camera import Camera, Units
from encoder.rig.join import join_footage
from encoder.rig.readers import read_calibration
from protocol.errors import RigError, UsageError
from protocol.geometry import Array, transform

__all__ = ["Camera", "Rig", "Units", "centres", "moved", "read_rig"]


@dataclass(frozen=True, eq=False)
class Rig:
    """What a folder of footage holds.

    Attributes:
        name: the folder's name.
        cameras: sorted by name; at least two.
        points: (P, 3) float64 sparse points of the scene, rig frame, or None where the source has none.
        units: what one unit of the rig frame is.
        unmatched: what has no partner (footage without calibration and the reverse), in words.
        source_format: which calibration was read, in words.
        notes: what was changed or assumed on reading, in words.
        depth_bounds: nearest and farthest depth that the source states (LLFF), rig units.
    """

    name: str
    cameras: tuple[Camera, ...]
    points: Array | None
    units: Units
    unmatched: tuple[str, ...]
    source_format: str
    notes: tuple[str, ...] = ()
    depth_bounds: tuple[float, float] | None = None


def read_rig(folder: Path) -> Rig:
    """The rig in a folder: its calibration, in whichever format it holds, joined with its footage by name.

    Raises:
        UsageError: there is no such folder.
        RigError: it holds no calibration, a damaged one, or fewer than two cameras with footage.
    """
    folder = Path(folder)
    if not folder.exists():
        raise UsageError(f"{folder}: no such folder; give the folder that holds the rig's calibration and footage")
    if not folder.is_dir():
        raise UsageError(f"{folder}: not a folder; give the folder that holds the rig's calibration and footage")
    calibration = read_calibration(folder)
    cameras, unmatched, notes = join_footage(calibration, folder)
    if len(cameras) < 2:
        left = f"only {cameras[0].name} has" if cameras else "no camera has"
        raise RigError(
            f"{folder}: {left} both calibration and footage ({'; '.join(unmatched[:4]) or 'one camera in all'}); "
            "at least 2 cameras are needed, and footage is named like its camera"
        )
    return Rig(
        name=folder.resolve().name,
        cameras=cameras,
        points=calibration.points,
        units=calibration.units,
        unmatched=unmatched,
        source_format=calibration.source_format,
        notes=(*calibration.notes, *notes),
        depth_bounds=calibration.depth_bounds,
    )


def moved(rig: Rig, T_show_rig: Array) -> Rig:
    """The same rig seen from another frame: its `T_rig_camera` are then T_show_camera, its points the show's."""
    cameras = tuple(replace(camera, T_rig_camera=T_show_rig @ camera.T_rig_camera) for camera in rig.cameras)
    points = None if rig.points is None else transform(T_show_rig, rig.points)
    return replace(rig, cameras=cameras, points=points)


def centres(rig: Rig) -> Array:
    """(N, 3) camera centres, rig frame."""
    return np.stack([camera.T_rig_camera[:3, 3] for camera in rig.cameras])
