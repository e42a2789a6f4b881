"""How good a show is: decoded, composited as a player does, compared with what real cameras or ground truth saw."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.capture.footage import open_footage
from encoder.capture.pictures import read_picture
from encoder.dead_camera import without_dead
from encoder.msi.views import make_view
from encoder.rig.models import Pinhole, model_from_dict
from encoder.rig.rig import read_rig
from player.composite.view import ModelView
from player.feed import ShowFeed
from player.frames import FrameReading, read_frames
from player.headless import HeadlessRenderer
from protocol.container import Show
from protocol.errors import CaptureError, UsageError
from protocol.fields import Scalar
from protocol.geometry import Array

Rgb = NDArray[np.uint8]
_WITNESSES = 4  # cameras that are looked at, at least


@dataclass(frozen=True, eq=False)
class Target:
    """One picture to be matched.

    Attributes:
        name: of the camera or view.
        held_out: the encoder never solved from it; None where it is no rig camera.
        frame: of the show.
        camera: lens and pose in the show's frame.
        truth: (H, W, 3) uint8 sRGB.
        mask: (H, W) bool, pixels that count.
    """

    name: str
    held_out: bool | None
    frame: int
    camera: ModelView
    truth: Rgb
    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Compared:
    """A target and what the show gives for it: (H, W, 3) uint8."""

    target: Target
    render: Rgb


def rig_targets(show: Show, folder: Path, names: Sequence[str] | None) -> Generator[list[Target]]:
    """For each frame of the show what the named cameras of its rig saw; without names the held-out ones, or else all.

    A camera is left out where it is dead, see `dead_camera`; a few others of the rig tell that from a dark scene.

    Raises:
        UsageError: the show was not made from such a camera. RigError, CaptureError: the rig cannot be read.
    """
    manifest = show.manifest
    records = {record.name: record for record in manifest.cameras}
    held_out = [record.name for record in manifest.cameras if record.held_out]
    chosen = list(dict.fromkeys(names or held_out or records))
    for name in chosen:
        if name not in records:
            raise UsageError(f"--cameras {name}: the show has no such camera; it has {', '.join(records)}")
    cameras = {camera.name: camera for camera in read_rig(folder).cameras}
    missing = [name for name in chosen if name not in cameras]
    if missing:
        raise UsageError(f"{folder}: the rig has no camera {missing[0]}; give the rig that the show was made from")
    settings = manifest.encoder
    witnesses = [name for name in records if name in cameras and name not in chosen][: max(0, _WITNESSES - len(chosen))]
    footage = open_footage(
        [cameras[name] for name in (*chosen, *witnesses)],
        scale=_fraction(settings, "scale", 1) or 1,
        start_s=_fraction(settings, "start_s", 0) or 0,
        frames=manifest.frame_count,
        image_rate=manifest.frame_rate,
    )
    if footage.frame_count < manifest.frame_count:
        raise CaptureError(
            f"{folder}: {footage.frame_count} frames, the show has {manifest.frame_count}; "
            "give the rig it was made from"
        )
    views = {}
    for name in chosen:
        model = model_from_dict(dict(records[name].model))
        if (model.width, model.height) != footage.sizes[name]:
            raise UsageError(f"{folder}: {name} is of another size than the show's; give the rig it was made from")
        views[name] = make_view(name, model, records[name].T_show_camera, footage.masks[name])
    with closing(without_dead(footage.frames(), set())) as frames:
        for frame in frames:
            yield [
                Target(
                    name=name,
                    held_out=records[name].held_out,
                    frame=frame.index,
                    camera=ModelView(view.model, view.T_show_camera),
                    truth=frame.images[name],
                    mask=view.weight > 0,
                )
                for name, view in views.items()
                if name in frame.images
            ]


def view_targets(show: Show, path: Path) -> Generator[list[Target]]:
    """Ground-truth pinhole views in the rig's own frame, grouped by frame, of the frames that the show has.

    Raises as `read_views` and `view_target`.
    """
    views = read_views(path)
    for frame in sorted({frame for frame, _ in views}):
        if frame >= show.manifest.frame_count:
            continue
        yield [view_target(show.manifest.T_show_rig, path, entry, frame) for index, entry in views if index == frame]


def read_views(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """(frame, entry) of a JSON list of {file, frame, width, height, fx, fy, cx, cy, T_world_camera}.

    Raises:
        UsageError: no such file. CaptureError: it is no such list.
    """
    try:
        entries = json.loads(path.read_text())
        views = [(int(e["frame"]), e) for e in entries]
        for frame, _ in views:
            if not frame >= 0:
                raise ValueError(f"frame {frame}")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; give a list of views in JSON") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise CaptureError(f"{path}: no list of views ({error}); see the README for its fields") from error
    return views


def view_target(T_show_rig: Array, path: Path, entry: Mapping[str, Any], frame: int) -> Target:
    """An entry of the list at `path`, whose pictures lie beside it. Raises CaptureError: it is damaged."""
    try:
        width, height = int(entry["width"]), int(entry["height"])
        model = Pinhole(width, height, tuple(float(entry[key]) for key in ("fx", "fy", "cx", "cy")))
        T = np.asarray(entry["T_world_camera"], np.float64)
        if T.shape != (4, 4) or not np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3):
            raise ValueError("T_world_camera is no pose")
        file = path.parent / entry["file"]
        if "\0" in entry["file"]:
            raise ValueError("a file name with a zero byte")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CaptureError(f"{path}: a view is damaged ({error}); see the README for its fields") from error
    truth, _ = read_picture(file, owner="view")
    if truth.shape[:2] != (height, width):
        raise CaptureError(
            f"{file}: {truth.shape[1]}x{truth.shape[0]}, the list says {width}x{height}; export it again"
        )
    return Target(
        name=Path(entry["file"]).stem,
        held_out=None,
        frame=frame,
        camera=ModelView(model, T_show_rig @ T),
        truth=truth,
        mask=np.ones((height, width), np.bool_),
    )


def compare(show: Show, targets: Generator[list[Target]], *, rung: int, samples: int = 1) -> Iterator[Compared]:
    """Renders every target from the decoded show. Frames of targets must increase; they are closed in the end.

    Raises:
        FormatError: the show is damaged. DisplayError: there is no OpenGL.
    """
    manifest = show.manifest
    # Footage that is dropped half-way must not be left to the garbage collector, which may run on its own threads.
    with (
        closing(targets),
        HeadlessRenderer(
            manifest.projection, manifest.rungs[rung], background=manifest.background, samples=samples
        ) as renderer,
    ):
        frames = None
        current = None
        for group in targets:
            if not group:
                continue
            if frames is None:
                frames = read_frames(ShowFeed(show, rung), group[0].frame, FrameReading())
            while current is None or current.index < group[0].frame:
                current = next(frames)
            renderer.set_decoded(current)
            for target in group:
                yield Compared(target, renderer.render(target.camera, dtype="uint8")[..., :3])


def _fraction(settings: Mapping[str, Scalar], key: str, default: int) -> Fraction:
    return Fraction(str(settings.get(key, default)))
