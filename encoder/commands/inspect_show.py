"""What a show holds, for `lfv inspect show.lfv`: as text for people, or as JSON."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from encoder.field_of_view import field_of_view
from encoder.sizes import sizes_of
from protocol.budget import HEADSET, Cost, over, within
from protocol.container import Show, open_show
from protocol.manifest import Manifest, projection_to_dict
from protocol.mesh_codec import Geometry

# Geometry is unpacked for this many chunks, evenly spread; more would not change the figures much.
_SAMPLED_CHUNKS = 8


def describe_show(path: Path, *, json: bool = False) -> str:
    """Text or one JSON object. Raises FormatError, StorageError."""
    with open_show(path) as show:
        facts = show_facts(show)
    if json:
        return json_module.dumps(facts, indent=2)
    return _as_text(str(path), facts)


def show_facts(show: Show) -> dict[str, Any]:
    """Plain numbers and texts: what `--json` prints. Reads every segment's header and a few chunks' geometry."""
    m = show.manifest
    return {
        "title": m.title,
        "file_bytes": show.header.file_bytes,
        "manifest_and_index_bytes": show.header.front_bytes,
        "frame_count": m.frame_count,
        "frame_rate": None if m.frame_rate is None else float(m.frame_rate),
        "duration_s": float(m.duration),
        "chunk_count": len(show.index.chunks),
        "chunk_s": [float(f(c.duration for c in show.index.chunks)) for f in (min, max)],
        "projection": projection_to_dict(m.projection),
        "field_of_view_deg": list(field_of_view(m.projection)),
        "units": m.units,
        "near": m.near,
        "far": None if np.isinf(m.far) else m.far,
        "comfort_min": list(m.comfort_min),
        "comfort_max": list(m.comfort_max),
        "layer_count": m.layer_count,
        "rungs": [_rung_facts(show, number) for number in range(len(m.rungs))],
        "sound": None if m.sound is None else asdict(m.sound),
        "cameras": [_camera_facts(m, number) for number in range(len(m.cameras))],
        "stages": [asdict(figure) for figure in m.stages],
        "encoder": dict(m.encoder),
        "poster_bytes": len(m.poster),
        "thumbnail_count": len(m.thumbnails),
        "thumbnail_bytes": sum(len(thumbnail.image) for thumbnail in m.thumbnails),
    }


def _camera_facts(m: Manifest, number: int) -> dict[str, Any]:
    camera = m.cameras[number]
    return {
        "name": camera.name,
        "kind": camera.model["kind"],
        "width": camera.model["width"],
        "height": camera.model["height"],
        "held_out": camera.held_out,
        "position": [float(v) for v in camera.T_show_camera[:3, 3]],
    }


def _rung_facts(show: Show, rung: int) -> dict[str, Any]:
    found = sizes_of(show, rung)
    sizes = {"geometry": found.geometry, "video": found.video, "sound": found.sound, "tables": found.headers}
    seconds = float(show.manifest.duration)
    bits = {kind: 8 * size for kind, size in sizes.items()}
    return {
        **asdict(show.manifest.rungs[rung]),
        "fits_headset": within(show.manifest.rungs[rung].cost, HEADSET),
        "bytes": sizes,
        "measured_bits_per_second": round(sum(bits.values()) / seconds),
        "peak_bits_per_second": round(max(8 * c.segments[rung].length / float(c.duration) for c in show.index.chunks)),
        "bits_per_frame": round(sum(bits.values()) / show.manifest.frame_count),
        **_geometry_facts(show, rung),
    }


def _geometry_facts(show: Show, rung: int) -> dict[str, Any]:
    """Means over a few chunks; per layer far to near."""
    count = len(show.index.chunks)
    numbers = sorted(set(np.linspace(0, count - 1, min(count, _SAMPLED_CHUNKS)).round().astype(int).tolist()))
    samples = [show.read_geometry(show.read_chunk(number, rung)) for number in numbers]
    p, r = show.manifest.projection, show.manifest.rungs[rung]
    atlas = (r.colour_width / r.texture_scale) * (r.colour_height / r.texture_scale)
    layers = [
        {
            "triangles": _mean(g.layers[i].triangles.shape[0] for g in samples),
            "points": _mean(g.layers[i].points.shape[0] for g in samples),
            "moving": _mean(_moving(g, i) for g in samples),
            "coverage": _mean(_area(g, i) / (p.width * p.height) for g in samples),
            "disparity": [_mean(_disparity(g, i, f) for g in samples) for f in (np.min, np.max)],
        }
        for i in range(show.manifest.layer_count)
    ]
    return {
        "sampled_chunks": numbers,
        "triangles": sum(layer["triangles"] for layer in layers),
        "atlas_coverage": _mean(sum(_area(g, i) for i in range(len(g.layers))) / atlas for g in samples),
        "layers": layers,
    }


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _moving(geometry: Geometry, layer: int) -> float:
    """Share of the points whose disparity changes within the chunk."""
    d = geometry.layers[layer].disparities
    return float((d != d[:1]).any(axis=0).mean()) if d.size else 0.0


def _area(geometry: Geometry, layer: int) -> float:
    """Texels in the layer's rects."""
    return float(sum(rect.width * rect.height for rect in geometry.layers[layer].rects))


def _disparity(geometry: Geometry, layer: int, extreme: Any) -> float:
    d = geometry.layers[layer].disparities
    return float(extreme(d)) if d.size else 0.0


def _as_text(name: str, f: dict[str, Any]) -> str:
    rate = "still" if f["frame_rate"] is None else f"{f['frame_rate']:.3f} frames/s"
    low, high = f["chunk_s"]
    p = f["projection"]
    across, up = f["field_of_view_deg"]
    far = "infinity" if f["far"] is None else f"{f['far']:.3g}"
    box = " ".join(
        f"{axis} {a:+.3f}..{b:+.3f}" for axis, a, b in zip("xyz", f["comfort_min"], f["comfort_max"], strict=True)
    )
    lines = [
        f"{name}: {f['title'] or 'no title'}",
        f"  time      {f['frame_count']} frames, {f['duration_s']:.3f} s, {rate}; "
        f"{f['chunk_count']} chunks of {low:.3f} to {high:.3f} s",
        f"  space     {p['kind']} {p['width']}x{p['height']} texels, {across:.1f} x {up:.1f} degrees; "
        f"near {f['near']:.3g}, far {far} {f['units']}",
        f"  head box  {box} {f['units']}",
        f"  size      {_size(f['file_bytes'])}, of it manifest and index {_size(f['manifest_and_index_bytes'])}, "
        f"poster {_size(f['poster_bytes'])}, {f['thumbnail_count']} thumbnails {_size(f['thumbnail_bytes'])}",
        f"  sound     {_sound(f['sound'])}",
    ]
    for rung in f["rungs"]:
        lines += _rung_text(rung, f["layer_count"])
    lines += _cameras_text(f["cameras"])
    if f["stages"]:
        lines.append("  stages    PSNR before the codec, dB: camera, frame, MSI, layers")
        lines += [
            f"    {s['camera']:<16} {s['frame']:>6} {s['msi_psnr']:7.2f} {s['layers_psnr']:7.2f}"
            f"{'  held out' if s['held_out'] else ''}"
            for s in f["stages"]
        ]
    if f["encoder"]:
        lines.append("  encoded with " + ", ".join(f"{key}={value}" for key, value in f["encoder"].items()))
    return "\n".join(lines)


def _rung_text(rung: dict[str, Any], layer_count: int) -> list[str]:
    total = sum(rung["bytes"].values())
    kinds = ", ".join(f"{kind} {_size(size)} ({size / total:.1%})" for kind, size in rung["bytes"].items())
    lines = [
        f"  rung {rung['name']}: {rung['codec']} {rung['width']}x{rung['height']}, texture scale "
        f"{rung['texture_scale']:g}, {rung['measured_bits_per_second'] / 1e6:.2f} Mbit/s "
        f"(peak {rung['peak_bits_per_second'] / 1e6:.2f}), {rung['bits_per_frame'] / 1e3:.1f} kbit a frame",
        f"    {kinds}",
        f"    {layer_count} layers, {rung['triangles']:.0f} triangles; atlas {rung['atlas_coverage']:.1%} occupied "
        f"(from {len(rung['sampled_chunks'])} chunks)",
        f"    {_cost(rung['cost'])}",
        "    layer  triangles   points  moving  coverage  disparity",
    ]
    for number, layer in enumerate(rung["layers"]):
        low, high = layer["disparity"]
        lines.append(
            f"    {number:>5}  {layer['triangles']:>9.0f} {layer['points']:>8.0f} {layer['moving']:>7.1%} "
            f"{layer['coverage']:>9.1%}  {low:.4f}..{high:.4f}"
        )
    return lines


def _cost(cost: dict[str, Any] | None) -> str:
    if cost is None:
        return "cost unknown: encoded before shows stated it"
    exceeded = over(Cost(**cost), HEADSET)
    verdict = f"too much for a headset ({', '.join(exceeded)})" if exceeded else "fits a headset"
    return (
        f"cost {cost['coverage_mean']:.2f} screens blended, {cost['coverage_p99']:.2f} at most in 99 % of views; "
        f"{cost['triangles']} triangles, {cost['draws']} draws: {verdict}"
    )


def _cameras_text(cameras: list[dict[str, Any]]) -> list[str]:
    if not cameras:
        return ["  cameras   none stated"]
    held_out = [camera["name"] for camera in cameras if camera["held_out"]]
    kinds = sorted({f"{camera['kind']} {camera['width']}x{camera['height']}" for camera in cameras})
    return [
        f"  cameras   {len(cameras)}: {', '.join(kinds)}",
        f"    held out: {', '.join(held_out) if held_out else 'none'}",
    ]


def _sound(sound: dict[str, Any] | None) -> str:
    return "none" if sound is None else f"{sound['codec']}, {sound['channels']} channels, {sound['sample_rate']} Hz"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
