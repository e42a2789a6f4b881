"""What a rig holds, in figures and as text."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from encoder.rig.depth_range import near_far
from encoder.rig.frame import ShellKind, choose_shell_kind, show_frame
from encoder.rig.rig import Camera, Rig, centres, moved
from encoder.rig.view import field_of_view, native_density, pixels_per_radian
from protocol.geometry import Array
from protocol.projection import shells_for

_TEXT_WIDTH = 200
_HEADINGS = ("camera", "model", "size", "view, degrees", "px/degree", "position in the show", "footage")


@dataclass(frozen=True, eq=False)
class RigFigures:
    """What `lfv inspect` says of a rig beyond its cameras. Lengths in the rig's units, show frame.

    Attributes:
        rig_show: the rig in the show's frame.
        T_show_rig: (4, 4) what brought it there.
        shell_kind: spheres or planes.
        nearest: distance from every camera to its nearest neighbour, (N,).
        extent: greatest distance between two cameras.
        near, far: None where neither the rig nor the caller tells them.
        range_source: where near and far come from, in words.
        head_offset: how far from the origin a head may be: the farthest camera's distance.
        density: texels per radian that match the cameras.
        shells: count for a shift of at most one pixel between neighbours; None without near and far.
    """

    rig_show: Rig
    T_show_rig: Array
    shell_kind: ShellKind
    nearest: Array
    extent: float
    near: float | None
    far: float | None
    range_source: str
    head_offset: float
    density: float
    shells: int | None


def rig_figures(rig: Rig, *, near: float | None = None, far: float | None = None) -> RigFigures:
    """The figures of a rig in its own frame; `near` and `far` (rig units) take the place of what the rig tells."""
    T_show_rig = show_frame(rig)
    placed = moved(rig, T_show_rig)
    kind = choose_shell_kind(rig)
    told = near_far(placed, kind)
    source = "unknown; encode finds them by a coarse sweep, or give --near and --far"
    if told is not None:
        source = "from the sparse points" if rig.points is not None else "stated by the calibration"
    if near is not None or far is not None:
        source = "given" if told is None or (near is not None and far is not None) else f"partly given, else {source}"
    near = near if near is not None or told is None else told[0]
    far = far if far is not None or told is None else told[1]
    where = centres(placed)
    apart = np.linalg.norm(where[:, None] - where[None], axis=-1)
    density = native_density(placed.cameras)
    head_offset = float(np.linalg.norm(where, axis=1).max())
    shells = None
    if near is not None and far is not None:
        shells = shells_for(near=near, far=far, head_offset=head_offset, pixels_per_radian=density)
    return RigFigures(
        rig_show=placed,
        T_show_rig=T_show_rig,
        shell_kind=kind,
        nearest=np.where(np.eye(len(where), dtype=bool), np.inf, apart).min(axis=1),
        extent=float(apart.max()),
        near=near,
        far=far,
        range_source=source,
        head_offset=head_offset,
        density=density,
        shells=shells,
    )


def rig_facts(figures: RigFigures) -> dict[str, Any]:
    """Plain numbers and texts: what `--json` prints."""
    rig = figures.rig_show
    far = figures.far
    return {
        "name": rig.name,
        "source_format": rig.source_format,
        "units": rig.units,
        "cameras": [_camera_facts(camera) for camera in rig.cameras],
        "baselines": {
            "nearest_min": float(figures.nearest.min()),
            "nearest_median": float(np.median(figures.nearest)),
            "nearest_max": float(figures.nearest.max()),
            "extent": figures.extent,
        },
        "points": 0 if rig.points is None else len(rig.points),
        "near": figures.near,
        "far": None if far is None or math.isinf(far) else far,
        "near_far_source": figures.range_source,
        "shell_kind": figures.shell_kind,
        "shells": figures.shells,
        "shell_shift_px": 1.0,
        "head_offset": figures.head_offset,
        "pixels_per_degree": math.radians(figures.density),
        "T_show_rig": figures.T_show_rig.tolist(),
        "unmatched": list(rig.unmatched),
        "notes": list(rig.notes),
    }


def _camera_facts(camera: Camera) -> dict[str, Any]:
    return {
        "name": camera.name,
        "model": camera.model.to_dict(),
        "field_of_view_deg": [math.degrees(angle) for angle in field_of_view(camera.model)],
        "pixels_per_degree": math.radians(pixels_per_radian(camera.model)),
        "position": camera.T_rig_camera[:3, 3].tolist(),
        "forward": camera.T_rig_camera[:3, 2].tolist(),
        "footage": _footage(camera),
        "mask": None if camera.mask is None else camera.mask.name,
    }


def rig_text(figures: RigFigures) -> str:
    """The same for people: a table of cameras, then a few lines."""
    rig = figures.rig_show
    unit = "m" if rig.units == "metres" else "units"
    table = Table(title=f"{rig.name}: {len(rig.cameras)} cameras ({rig.source_format})", title_justify="left")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in ("camera", "model", "footage") else "right")
    for camera in rig.cameras:
        across, down = (math.degrees(angle) for angle in field_of_view(camera.model))
        table.add_row(
            camera.name,
            camera.model.kind,
            f"{camera.model.width}x{camera.model.height}",
            f"{across:.0f} x {down:.0f}",
            f"{math.radians(pixels_per_radian(camera.model)):.1f}",
            " ".join(f"{value:+.3f}" for value in camera.T_rig_camera[:3, 3]),
            _footage(camera) + (", mask" if camera.mask else ""),
        )
    page = io.StringIO()
    Console(file=page, width=_TEXT_WIDTH, no_color=True, highlight=False).print(table)
    return page.getvalue() + "\n".join(_lines(figures, unit))


def _lines(figures: RigFigures, unit: str) -> list[str]:
    rig = figures.rig_show
    nearest = figures.nearest
    scale = "metres" if rig.units == "metres" else "the calibration's own, not metres"
    lines = [
        f"units         {scale}",
        f"baselines     nearest neighbour {nearest.min():.3f} to {nearest.max():.3f} {unit}, median "
        f"{np.median(nearest):.3f}; extent {figures.extent:.3f}",
        f"sparse points {0 if rig.points is None else len(rig.points)}",
    ]
    if figures.near is None or figures.far is None:
        lines.append(f"near, far     {figures.range_source}")
    else:
        lines.append(f"near, far     {figures.near:.3f} to {figures.far:.3f} {unit} ({figures.range_source})")
        lines.append(
            f"shells        {figures.shells} {figures.shell_kind}s shift by at most 1 pixel at "
            f"{figures.head_offset:.3f} {unit} off centre ({math.radians(figures.density):.1f} pixels a degree)"
        )
    lines += [f"note          {note}" for note in rig.notes]
    lines += [f"left out      {words}" for words in rig.unmatched]
    return lines


def _footage(camera: Camera) -> str:
    if isinstance(camera.files, Path):
        return camera.files.name
    if len(camera.files) == 1:
        return camera.files[0].name
    return f"{len(camera.files)} images"
