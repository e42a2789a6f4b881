"""The head of a report: what was judged, and against what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePath

from encoder.field_of_view import field_of_view, pixels_per_degree
from encoder.report.markup import Markup, element
from encoder.report.report import Report
from encoder.report.units import bits, size
from protocol.manifest import Manifest
from protocol.records import Rung

_SAID_ELSEWHERE = frozenset({"hold_out", "shells", "solve.solver"})


def head(report: Report) -> Markup:
    """Title and facts."""
    facts = [
        part for name, *values in _facts(report) for part in (element("dt", name), *(element("dd", v) for v in values))
    ]
    return element(
        "header",
        element("p", "Quality report", class_="kind"),
        element("h1", report.manifest.title or report.file),
        element("dl", *facts, class_="facts"),
    )


def _facts(report: Report) -> Iterator[tuple[str, ...]]:
    """A name and one or more lines."""
    m = report.manifest
    yield "Show", f"{report.file}, {size(report.file_bytes)}"
    yield "Judged against", report.against
    yield "Cameras", _cameras(m)
    yield "Time", _time(report)
    yield "Space", _space(m)
    yield "Shells and layers", f"{_shells(m)}{m.layer_count} layers in the show"
    yield "Rungs" if len(m.rungs) > 1 else "Rung", *(_rung(m, rung) for rung in m.rungs)
    yield (
        "Sound",
        "none"
        if m.sound is None
        else f"{m.sound.codec}, {m.sound.channels} channel{'s' if m.sound.channels > 1 else ''}",
    )
    yield "Settings", _settings(m)
    yield "Made", f"{report.made.isoformat()} with lfv {report.version}"


def _cameras(m: Manifest) -> str:
    if not m.cameras:
        return "none stated"
    sizes = sorted({f"{camera.model['kind']} {camera.model['width']}x{camera.model['height']}" for camera in m.cameras})
    held_out = [camera.name for camera in m.cameras if camera.held_out]
    return f"{len(m.cameras)} ({', '.join(sizes)}); held out: {', '.join(held_out) or 'none'}"


def _time(report: Report) -> str:
    m = report.manifest
    if m.frame_rate is None:
        return "a still: one frame"
    return (
        f"{m.frame_count} frames at {float(m.frame_rate):.5g} per second, {float(m.duration):.2f} s; "
        f"{report.chunks} groups of pictures (GOPs)"
    )


def _space(m: Manifest) -> str:
    across, up = field_of_view(m.projection)
    far = "infinity" if math.isinf(m.far) else f"{m.far:.3g}"
    fineness = pixels_per_degree(m.projection, texture_scale=1.0)
    return (
        f"{across:.0f} x {up:.0f} degrees at {fineness:.1f} pixels per degree "
        f"({m.projection.kind} of {m.projection.width}x{m.projection.height}); from {m.near:.3g} to {far} {m.units}"
    )


def _shells(m: Manifest) -> str:
    shells = m.encoder.get("shells")
    return "" if shells is None else f"{shells} shells solved, "


def _rung(m: Manifest, rung: Rung) -> str:
    fineness = pixels_per_degree(m.projection, texture_scale=rung.texture_scale)
    rate = "" if m.frame_rate is None else f", {bits(rung.bits_per_second)}/s"
    return f"{rung.name}: {rung.codec} {rung.width}x{rung.height}, {fineness:.1f} pixels per degree{rate}"


def _settings(m: Manifest) -> str:
    """Those that differ from the defaults: the manifest keeps no others. Of a file only the name is told."""
    settings = {key: value for key, value in m.encoder.items() if key not in _SAID_ELSEWHERE}
    if "sound" in settings:
        settings["sound"] = PurePath(str(settings["sound"])).name
    return ", ".join(f"{key} = {value}" for key, value in settings.items()) or "defaults"
