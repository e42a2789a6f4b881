"""Cameras and footage meet by name; sizes are checked; what has no partner is named."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path, PurePosixPath

import av
import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration
from encoder.rig.camera import Camera
from encoder.rig.camera_model import CameraModel
from encoder.rig.footage import IMAGE_ENDINGS, ROOTS, VIDEO_ENDINGS, Footage, all_footage, find_footage
from protocol.errors import RigError

# Poses of one camera over time, written by a tool that solved them one by one.
_SAME_POSE = 1e-4
# Sensors are padded to whole coding blocks (1088 for 1080), and videos cut again.
_CODING_BLOCK = 16


def join_footage(calibration: Calibration, folder: Path) -> tuple[tuple[Camera, ...], tuple[str, ...], tuple[str, ...]]:
    """Cameras sorted by name, what has no partner in words, and what was changed in words.

    Raises:
        RigError: two cameras have one name or one footage, a file cannot be opened, or its size contradicts the
            calibration.
    """
    cameras: list[Camera] = []
    unmatched: list[str] = []
    notes: dict[str, list[str]] = defaultdict(list)
    used: dict[Path, str] = {}
    for calibrated in name_cameras(calibration.cameras):
        footage = next(filter(None, (find_footage(folder, name) for name in calibrated.footage)), None)
        if footage is None:
            unmatched.append(f"{calibrated.name} is calibrated but has no footage")
            continue
        if footage.first in used:
            raise RigError(
                f"{footage.first}: belongs to both {used[footage.first]} and {calibrated.name}; name the files like "
                "the cameras"
            )
        files = footage.files if isinstance(footage.files, tuple) else (footage.files,)
        used.update(dict.fromkeys(files, calibrated.name))
        model, note = _fitted(calibrated, footage)
        if note:
            notes[note].append(calibrated.name)
        named_mask = folder / calibrated.mask if calibrated.mask else None
        mask = named_mask if named_mask and named_mask.is_file() else footage.mask
        cameras.append(Camera(calibrated.name, model, calibrated.T_rig_camera, footage.files, mask))
    for place, files in all_footage(folder):
        if not any(file in used for file in files):
            unmatched.append(f"{place} has no calibration" if len(files) == 1 else f"{place}/ has no calibration")
    words = [f"{_listed(names, len(calibration.cameras))}: {note}" for note, names in notes.items()]
    return tuple(sorted(cameras, key=lambda camera: camera.name)), tuple(unmatched), tuple(words)


def name_cameras(cameras: tuple[CalibratedCamera, ...]) -> tuple[CalibratedCamera, ...]:
    """Cameras under short, unique names; entries that are frames of one camera (CAM/frame) become that camera.

    Frames of a folder are one camera where their poses agree, or where every folder has just one frame calibrated.

    Raises:
        RigError: two entries have the same name.
    """
    groups: dict[PurePosixPath, list[CalibratedCamera]] = defaultdict(list)
    for camera in cameras:
        groups[PurePosixPath(camera.name).parent].append(camera)
    nested = {parent for parent in groups if parent.name and str(parent) not in ROOTS}
    one_each = len(nested) > 1 and nested == set(groups) and all(len(groups[parent]) == 1 for parent in nested)
    out: list[CalibratedCamera] = []
    for parent, members in groups.items():
        if parent in nested and (one_each or (len(members) > 1 and _stand_still(members))):
            out.append(replace(members[0], name=parent.name, footage=(str(parent), *members[0].footage)))
        else:
            out += [replace(member, name=_short(member.name)) for member in members]
    names = [camera.name for camera in out]
    for name in names:
        if names.count(name) > 1:
            raise RigError(f"two cameras are called '{name}'; give each its own name")
    return tuple(out)


def _stand_still(members: list[CalibratedCamera]) -> bool:
    first = members[0]
    size = max(1.0, float(np.abs(first.T_rig_camera[:3, 3]).max()))
    return all(
        member.model == first.model and np.abs(member.T_rig_camera - first.T_rig_camera).max() < _SAME_POSE * size
        for member in members
    )


def _short(name: str) -> str:
    """images/cam00.png -> cam00; a bare name stays."""
    path = PurePosixPath(name)
    if path.suffix.lower() in VIDEO_ENDINGS | IMAGE_ENDINGS:
        path = path.with_suffix("")
    parts = [part for part in path.parts if part not in ("/", "..", ".")]
    return "/".join(parts[1:] if len(parts) > 1 and parts[0] in ROOTS else parts)


def _fitted(camera: CalibratedCamera, footage: Footage) -> tuple[CameraModel, str | None]:
    """The camera's model at the footage's own size, and a note where that is not the calibration's."""
    width, height = image_size(footage.first)
    model = camera.model
    if (width, height) == (model.width, model.height):
        return model, None
    cut = model.width - width, model.height - height
    if min(cut) >= 0 and max(cut) < _CODING_BLOCK:
        note = f"calibrated at {model.width}x{model.height}, footage {width}x{height}; taken as cut at right or bottom"
        return model.scaled(1, width, height), note
    # A resized image keeps its aspect up to the rounding of one side to whole pixels.
    if min(abs(width - model.width * height / model.height), abs(height - model.height * width / model.width)) > 1.0:
        raise RigError(
            f"{footage.first}: {camera.name} is {width}x{height} here but was calibrated at "
            f"{model.width}x{model.height}; use uncropped footage, or calibrate at its size"
        )
    note = f"calibrated at {model.width}x{model.height}, footage {width}x{height}; the model is scaled"
    return model.resized(width, height), note


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of a video or image, from its header.

    Raises:
        RigError: it cannot be opened.
    """
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.video:
                raise RigError(f"{path}: holds no pictures; record this camera again or take its file out")
            stream = container.streams.video[0]
            size = (stream.width, stream.height)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, RigError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise RigError(f"{path}: cannot be opened ({reason}); copy it again or take it out") from error
    if min(size) < 1:
        raise RigError(f"{path}: its header gives no picture size; copy it again or take it out")
    return size


def _listed(names: list[str], count: int) -> str:
    if len(names) == count:
        return "all cameras"
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
