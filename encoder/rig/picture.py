"""A picture of a rig: cameras with what they see, the show's axes, the sparse points (pyvista, offscreen)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyvista as pv
from vtkmodules.vtkCommonCore import vtkLogger

from encoder.rig.camera_model import CameraModel
from encoder.rig.report import RigFigures
from encoder.rig.rig import Camera, centres
from protocol.errors import StorageError
from protocol.geometry import Array, transform

_SIZE = (1800, 900)
_RIM = 48
_MOST_POINTS = 20_000
_MOST_LABELS = 60
_BACKGROUND = "#15181c"
_TEXT = "#e8eaed"
_CAMERA = "#f2b13c"
_POINTS = "#6f9fd8"
_AXES = (("x", "#e5484d"), ("y", "#4cb782"), ("z", "#5b8def"))


def write_picture(figures: RigFigures, path: Path) -> None:
    """Two views of the rig in the show's frame, from behind and from above, as a PNG.

    Raises:
        StorageError: the picture cannot be written there.
    """
    with _quiet():
        _draw(figures, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without a display VTK says so on stderr before it takes the offscreen way; nobody needs to read that."""
    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)


def _draw(figures: RigFigures, path: Path) -> None:
    rig = figures.rig_show
    size = max(figures.extent, 1e-6)
    plotter = pv.Plotter(off_screen=True, shape=(1, 2), window_size=list(_SIZE), border=False)
    for column, from_above in ((0, False), (1, True)):
        plotter.subplot(0, column)
        plotter.renderer.set_background(_BACKGROUND)
        _add_cameras(plotter, rig.cameras, length=min(0.22 * size, 0.7 * float(np.median(figures.nearest))))
        _add_axes(plotter, length=0.3 * size)
        _add_points(plotter, figures)
        heading = "from above (forward is up)" if from_above else f"{rig.name}: from behind, to the right"
        plotter.add_text(heading, font_size=10, color=_TEXT, position="upper_left")
        _look(plotter, figures, from_above=from_above)
    try:
        plotter.screenshot(str(path))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"{path}: {reason}; write the picture elsewhere with --picture") from error
    finally:
        plotter.close()


def _add_cameras(plotter: pv.Plotter, cameras: tuple[Camera, ...], *, length: float) -> None:
    points: list[Array] = []
    lines: list[list[int]] = []
    count = 0
    for camera in cameras:
        rim = transform(camera.T_rig_camera, length * rim_of_view(camera.model))
        centre = camera.T_rig_camera[:3, 3]
        points += [centre[None], rim, transform(camera.T_rig_camera, np.array([[0.0, 0.0, length]]))]
        ring = [count + 1 + i for i in (*range(len(rim)), 0)]
        lines.append([len(ring), *ring])
        lines += [[2, count, count + 1 + i] for i in range(0, len(rim), len(rim) // 4)]
        lines.append([2, count, count + 1 + len(rim)])
        count += 2 + len(rim)
    mesh = pv.PolyData(np.concatenate(points), lines=np.concatenate([np.array(line) for line in lines]))
    plotter.add_mesh(mesh, color=_CAMERA, line_width=1.5, opacity=0.8)
    where = np.stack([np.asarray(camera.T_rig_camera[:3, 3], float) for camera in cameras])
    plotter.add_mesh(pv.PolyData(where), color=_TEXT, point_size=8, render_points_as_spheres=True)
    if len(cameras) <= _MOST_LABELS:
        names = [camera.name for camera in cameras]
        plotter.add_point_labels(
            where, names, font_size=11, text_color=_TEXT, shape=None, show_points=False, always_visible=True
        )


def rim_of_view(model: CameraModel) -> Array:
    """(48, 3) unit rays, camera frame, around the edge of what the camera sees (image edge or lens edge)."""
    axis, _ = model.project(np.array([0.0, 0.0, 1.0]))
    axis = np.clip(axis, [1.0, 1.0], [model.width - 1.0, model.height - 1.0])
    angles = np.linspace(0.0, 2.0 * np.pi, _RIM, endpoint=False) + np.pi / 4
    towards = np.stack([np.cos(angles) * model.width, np.sin(angles) * model.height], axis=-1)
    # How far to go until the image's edge, then back until the lens images the pixel.
    with np.errstate(divide="ignore"):
        edges = np.where(towards > 0, [model.width, model.height] - axis, -axis) / towards
    steps = np.linspace(1e-3, 1.0, 400)
    rays, valid = model.unproject(axis + steps[None, :, None] * (edges.min(axis=1)[:, None] * towards)[:, None, :])
    last = np.where(valid, np.arange(len(steps)), 0).max(axis=1)
    rim: Array = rays[np.arange(_RIM), last]
    return rim


def _add_axes(plotter: pv.Plotter, *, length: float) -> None:
    for index, (name, colour) in enumerate(_AXES):
        tip = np.eye(3)[index] * length
        plotter.add_mesh(pv.Line((0, 0, 0), tip), color=colour, line_width=4)
        plotter.add_point_labels(
            tip[None], [name], font_size=14, text_color=colour, shape=None, show_points=False, always_visible=True
        )


def _add_points(plotter: pv.Plotter, figures: RigFigures) -> None:
    points = figures.rig_show.points
    if points is None or not len(points):
        return
    chosen = points[:: max(1, len(points) // _MOST_POINTS)]
    reach = np.percentile(np.linalg.norm(chosen, axis=1), 99.0)
    chosen = chosen[np.linalg.norm(chosen, axis=1) <= reach]
    plotter.add_mesh(pv.PolyData(chosen), color=_POINTS, point_size=2, opacity=0.7)


def _look(plotter: pv.Plotter, figures: RigFigures, *, from_above: bool) -> None:
    """All cameras fill most of the view; points may reach beyond it."""
    where = centres(figures.rig_show)
    middle = 0.5 * (where.min(axis=0) + where.max(axis=0))
    size = (0.75 if figures.rig_show.points is None else 1.2) * max(figures.extent, 1e-6)
    if from_above:
        plotter.camera.parallel_projection = True
        plotter.camera.parallel_scale = size
        plotter.camera.position = middle + np.array([0.0, 20.0, 0.0]) * size
        plotter.camera.up = (0.0, 0.0, -1.0)
    else:
        plotter.camera.position = middle + np.array([1.6, 1.4, 3.2]) * size
        plotter.camera.up = (0.0, 1.0, 0.0)
    plotter.camera.focal_point = middle
    plotter.reset_camera_clipping_range()
