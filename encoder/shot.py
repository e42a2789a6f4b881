"""What is filmed, ready to be solved: cameras in the show's frame, footage, shells, and the grid of the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.calibration_check import warn_of_misfits
from encoder.capture.footage import Footage, open_footage
from encoder.colour_match import match_colours, with_colours
from encoder.config import EncodeConfig
from encoder.dead_camera import dead_cameras, nothing_to_see
from encoder.depth_search import Surroundings, check_common, find_near_far
from encoder.falloff import find_falloff, with_falloff
from encoder.msi.views import View, make_view
from encoder.rig.depth_range import near_far
from encoder.rig.frame import choose_shell_kind, show_frame
from encoder.rig.rig import Rig, centres, moved, read_rig
from encoder.rig.view import angular_window, native_density
from protocol.errors import CaptureError, RigError, UsageError
from protocol.geometry import Array
from protocol.limits import MAX_GRID_SIDE
from protocol.projection import Projection, ShellKind, shell_disparities, shells_for

_OFF = 20.0  # of the rig's extent: how far away most of a scene is taken to be
_INWARD = 0.6  # mean cosine between axes and the way to the rig's centre
_ALONG = 0.5  # length of the mean axis: above, the cameras look the same way after all
_CORNER, _DEEP = (
    0.75,
    0.5,
)  # of near: where a head box ends, at its corners within spheres, along its sides before planes
_FINER = 2  # shells per shell that the head box needs


@dataclass(frozen=True, eq=False)
class Shot:
    """A rig's footage with all that is fixed for the whole show.

    Attributes:
        rig: in the show's frame, camera models at the footage's scale.
        T_show_rig: (4, 4).
        sources: the cameras that are solved from; held_out: those that are not.
        footage: of all cameras.
        near, far, disparities: of the shells.
        projection: the grid of shells and layers.
        comfort_min, comfort_max: (3,) corners of the head box.
        delta: pixels by which neighbouring shells shift at the edge of the head box.
    """

    rig: Rig
    T_show_rig: Array
    sources: tuple[View, ...]
    held_out: tuple[View, ...]
    footage: Footage
    near: float
    far: float
    disparities: NDArray[np.float32]
    projection: Projection
    comfort_min: Array
    comfort_max: Array
    delta: float

    @property
    def reach(self) -> float:
        """Distance from the origin to the farthest corner of the head box."""
        return float(np.linalg.norm(np.maximum(np.abs(self.comfort_min), np.abs(self.comfort_max))))


def prepare(folder: Path, config: EncodeConfig) -> Shot:
    """Reads the rig, opens its footage and fixes near, far, shells and the layers' grid.

    Raises:
        UsageError, RigError, CaptureError: the rig, its footage or the settings cannot be used.
    """
    rig = read_rig(folder)
    known = [camera.name for camera in rig.cameras]
    for name in config.hold_out:
        if name not in known:
            raise UsageError(f"--hold-out {name}: the rig has no such camera; it has {', '.join(known)}")
    if len(known) - len(set(config.hold_out)) < 2:
        raise UsageError(f"--hold-out leaves {len(known) - len(set(config.hold_out))} cameras; at least 2 are needed")
    if config.solve.solver == "stereo" and len(known) - len(set(config.hold_out)) != 2:
        raise UsageError(
            f"--solver stereo takes two cameras, {folder} has {len(known) - len(set(config.hold_out))}; --hold-out the "
            "others, or give --solver network"
        )
    T_show_rig = show_frame(rig)
    rig = moved(rig, T_show_rig)
    if not _extent(rig) > 0:
        raise RigError(
            f"{folder}: the cameras all stand in one place; depth cannot be told, check the calibration's translations"
        )
    if looks_inward(rig):
        raise RigError(
            f"{folder}: the cameras stand around their subject and look inward; a show is seen from among its cameras, "
            "so give a rig that looks outward or the same way"
        )
    footage = open_footage(
        rig.cameras,
        scale=config.scale,
        start_s=config.start_s,
        frames=config.frames,
        image_rate=config.image_rate,
    )
    smallest = min(min(size) for size in footage.sizes.values())
    if smallest < 16:
        raise UsageError(f"--scale {float(config.scale):g} leaves pictures of {smallest} pixels; give at least 16")
    cameras = tuple(replace(c, model=c.model.scaled(footage.scale, *footage.sizes[c.name])) for c in rig.cameras)
    rig = replace(rig, cameras=cameras)
    views = {
        c.name: make_view(c.name, c.model, np.asarray(c.T_rig_camera, np.float64), footage.masks[c.name])
        for c in cameras
    }
    kind = config.geometry or choose_shell_kind(rig)
    used = [camera for camera in cameras if camera.name not in config.hold_out]
    pictures = next(iter(footage.frames(0, 1))).images
    if nothing_to_see({camera.name: pictures[camera.name] for camera in used}):
        raise CaptureError(f"{folder}: the first picture shows nothing but one plain colour; begin later with --start")
    if dead := [name for name in dead_cameras(pictures) if name not in config.hold_out]:
        raise CaptureError(
            f"{', '.join(dead)}: the first picture shows nothing but one plain colour; mend what was recorded, "
            f"or go on without: {' '.join(f'--hold-out {name}' for name in dead)}"
        )
    sources = tuple(views[camera.name] for camera in used)
    if kind == "sphere":
        falloff = find_falloff(sources, pictures, distance=_OFF * _extent(rig))
        sources = tuple(with_falloff(view, falloff) for view in sources)
    density = config.density or native_density(used)
    first = Surroundings(sources, used, pictures, kind, density, _seen_by(kind, len(used)))
    near, far, points = _range(rig, first, config)
    warn_of_misfits(sources, pictures, points)
    colours = match_colours(sources, pictures, points)
    sources = tuple(with_colours(view, colours) for view in sources)
    low, high = comfort_box(rig, near, kind)
    reach = float(np.linalg.norm(np.maximum(np.abs(low), np.abs(high))))
    wanted = shells_for(near=near, far=far, head_offset=reach, pixels_per_radian=density)
    # Depth is told to half a pixel; shells that many would serve it are not wanted for looking alone.
    count = config.shells or max(8, min(_FINER * wanted, config.most_shells))
    projection = angular_window(used, kind, near=near, far=far, density=density, seen_by=first.seen_by)
    if max(projection.width, projection.height) > MAX_GRID_SIDE:
        raise UsageError(
            f"{projection.width}x{projection.height} texels at {density:g} a radian, a show has at most "
            f"{MAX_GRID_SIDE} a side; give a lower --density or --scale"
        )
    return Shot(
        rig=rig,
        T_show_rig=T_show_rig,
        sources=sources,
        held_out=tuple(views[name] for name in config.hold_out),
        footage=footage,
        near=near,
        far=far,
        disparities=shell_disparities(count, near=near, far=far).astype(np.float32),
        projection=projection,
        comfort_min=low,
        comfort_max=high,
        delta=(wanted - 1) / (count - 1),
    )


def comfort_box(rig: Rig, near: float, kind: ShellKind) -> tuple[Array, Array]:
    """Corners (3,) of the box where the show is valid: what the cameras' centres span, short of the nearest surface."""
    points = centres(rig)
    low, high = points.min(axis=0), points.max(axis=0)
    slack = 0.25 * float((high - low).max())
    low, high = np.minimum(low, -0.5 * slack), np.maximum(high, 0.5 * slack)
    limit = near * (_CORNER / math.sqrt(3.0) if kind == "sphere" else _DEEP)
    return np.maximum(0.8 * low, -limit), np.minimum(0.8 * high, limit)


def _range(rig: Rig, first: Surroundings, config: EncodeConfig) -> tuple[float, float, Array]:
    """Near and far as told, else by the rig's points, else by a coarse sweep; the cameras agree on points (P, 3)."""
    near, far = config.near, config.far
    if near is None or far is None:
        told = near_far(rig, first.kind)
        if told is None:
            told = find_near_far(first)
        near, far = near or told[0], far or told[1]
    if not 0 < near < far:
        raise UsageError(f"near {near:g} and far {far:g} are no range; give --near and --far")
    reach = float(np.linalg.norm(centres(rig), axis=1).max())
    if first.kind == "sphere" and near <= reach:
        if config.near is not None:
            raise UsageError(f"--near {near:g} lies within the rig, which reaches {reach:.3g}; give more")
        near = 1.05 * reach
        if near >= far:
            raise RigError(f"the rig reaches {reach:.3g}, beyond far {far:.3g}; give --near and --far")
    return float(near), float(far), check_common(first, near, far).points


def looks_inward(rig: Rig) -> bool:
    """Whether the cameras of a rig in the show's frame look at each other across the scene."""
    axes = np.stack([camera.T_rig_camera[:3, 2] for camera in rig.cameras])
    places = centres(rig)
    distances = np.linalg.norm(places, axis=1)
    if not (distances > 0).all():
        return False
    inward = -(axes * places).sum(axis=1) / distances
    return float(np.mean(inward)) > _INWARD and float(np.linalg.norm(axes.mean(axis=0))) < _ALONG


def _extent(rig: Rig) -> float:
    """The greatest distance of two cameras."""
    points = centres(rig)
    return float(np.linalg.norm(points[:, None] - points[None], axis=-1).max())


def _seen_by(kind: ShellKind, cameras: int) -> int:
    """How many cameras must see a direction for the grid to reach it."""
    if kind == "plane":
        return max(2, cameras // 3)
    return 2 if cameras >= 8 else 1
