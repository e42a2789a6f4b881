"""The geometry of one chunk: layered meshes with constant topology and disparities per frame. SPEC section 6."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol import limits, packing
from protocol.errors import FormatError

MAGIC = b"LFVG"
VERSION = 1
_HEADER = struct.Struct("<4sHHHH")  # magic, version, layers, frames, reserved
_LAYER = struct.Struct("<IIIIff")  # points, moving points, triangles, rects, lowest and highest disparity
STEPS = 65535


@dataclass(frozen=True)
class Rect:
    """A block of a layer's grid and where it lies in the atlas at texture scale 1; no gutter included. Texels."""

    x: int
    y: int
    width: int
    height: int
    atlas_x: int
    atlas_y: int


@dataclass(frozen=True, eq=False)
class LayerMesh:
    """One layer of one chunk.

    Attributes:
        points: (P, 2) uint16 texel corners of the layer's grid, x in 0..W, y in 0..H.
        disparities: (T, P) float32, 1/m, not negative.
        rects: occupied blocks of the grid.
        triangles: (M, 3) uint32 indices of points, in draw order.
        triangle_rect: (M,) uint16 index of the rect that holds the triangle's three points.
    """

    points: NDArray[np.uint16]
    disparities: NDArray[np.float32]
    rects: tuple[Rect, ...]
    triangles: NDArray[np.uint32]
    triangle_rect: NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Geometry:
    """All layers of one chunk, far to near, with the same number of frames."""

    layers: tuple[LayerMesh, ...]

    @property
    def frame_count(self) -> int:
        return int(self.layers[0].disparities.shape[0])


@dataclass(frozen=True)
class GeometryBounds:
    """What the manifest and the segment promise about a chunk's geometry; atlas sizes at texture scale 1, texels."""

    layer_count: int
    frame_count: int
    grid_width: int
    grid_height: int
    atlas_width: int
    atlas_height: int


@dataclass(frozen=True)
class _Counts:
    """One row of the layer table."""

    points: int
    moving: int
    triangles: int
    rects: int
    low: float
    high: float

    def sizes(self, frames: int) -> tuple[int, ...]:
        """Bytes of the seven arrays of a layer, in the order of SPEC 6.3."""
        return (
            4 * self.points,
            2 * self.points,
            (self.points + 7) // 8,
            2 * (frames - 1) * self.moving,
            12 * self.rects,
            12 * self.triangles,
            2 * self.triangles,
        )


def encode_geometry(geometry: Geometry, *, bounds: GeometryBounds | None = None) -> bytes:
    """Geometry -> bytes; disparities are rounded to 65535 steps of each layer's range.

    Raises FormatError where a reader would refuse it.
    """
    if not geometry.layers:
        raise FormatError("geometry has no layers")
    frames = geometry.frame_count
    tables: list[bytes] = []
    bodies: list[bytes] = []
    for number, layer in enumerate(geometry.layers):
        _check_arrays(layer, frames, f"layer {number}")
        counts, body = _encode_layer(layer)
        tables.append(_LAYER.pack(*vars(counts).values()))
        bodies.append(body)
    head = _HEADER.pack(MAGIC, VERSION, len(geometry.layers), frames, 0) + b"".join(tables)
    rows, _ = _read_tables(head)
    for number, (layer, row) in enumerate(zip(geometry.layers, rows, strict=True)):
        _check_layer(layer, row, bounds, f"layer {number}")
    _check_bounds(len(geometry.layers), frames, bounds)
    return head + packing.compress(b"".join(bodies))


def decode_geometry(data: bytes, *, bounds: GeometryBounds | None = None) -> Geometry:
    """Bytes -> Geometry, every size checked before it is allocated and every value before it is returned.

    `bounds` adds what the manifest promises (`manifest_bounds`). Raises FormatError.
    """
    rows, frames = _read_tables(data)
    _check_bounds(len(rows), frames, bounds)
    raw = packing.decompress(
        bytes(data[_HEADER.size + len(rows) * _LAYER.size :]),
        size=sum(sum(row.sizes(frames)) for row in rows),
        max_window=limits.MAX_ZSTD_WINDOW_BYTES,
        name="geometry",
    )
    view = memoryview(raw)
    layers: list[LayerMesh] = []
    for number, row in enumerate(rows):
        size = sum(row.sizes(frames))
        layer = _decode_layer(view[:size], row, frames, f"layer {number}")
        _check_layer(layer, row, bounds, f"layer {number}")
        layers.append(layer)
        view = view[size:]
    return Geometry(tuple(layers))


def _read_tables(data: bytes) -> tuple[list[_Counts], int]:
    """Header and layer table, capped -> rows and frame count."""
    if len(data) < _HEADER.size or len(data) > limits.MAX_GEOMETRY_BYTES:
        raise FormatError(f"geometry has {len(data)} bytes; {_HEADER.size} to {limits.MAX_GEOMETRY_BYTES} are allowed")
    magic, version, layers, frames, reserved = _HEADER.unpack_from(data)
    if magic != MAGIC or reserved:
        raise FormatError("geometry does not start with its header")
    if version != VERSION:
        raise FormatError(f"geometry has version {version}; this lfv reads {VERSION}")
    if not 1 <= layers <= limits.MAX_LAYERS or not 1 <= frames <= limits.MAX_FRAMES_PER_CHUNK:
        raise FormatError(f"geometry has {layers} layers of {frames} frames")
    if len(data) < _HEADER.size + layers * _LAYER.size:
        raise FormatError("geometry ends inside its layer table")
    rows = [_Counts(*_LAYER.unpack_from(data, _HEADER.size + i * _LAYER.size)) for i in range(layers)]
    for number, row in enumerate(rows):
        name = f"layer {number}"
        if row.points > limits.MAX_POINTS or row.triangles > limits.MAX_TRIANGLES or row.rects > limits.MAX_RECTS:
            raise FormatError(f"{name} has {row.points} points, {row.triangles} triangles, {row.rects} rects; too many")
        if row.moving > row.points or (frames == 1 and row.moving):
            raise FormatError(f"{name} has {row.moving} moving points of {row.points}")
        if not (0.0 <= row.low <= row.high < np.inf):
            raise FormatError(f"{name} has the disparity range {row.low} to {row.high}")
    if frames * sum(row.points for row in rows) > limits.MAX_DISPARITIES:
        raise FormatError(f"geometry has more than {limits.MAX_DISPARITIES} disparities")
    if sum(sum(row.sizes(frames)) for row in rows) > limits.MAX_GEOMETRY_RAW_BYTES:
        raise FormatError(f"geometry unpacks to more than {limits.MAX_GEOMETRY_RAW_BYTES} bytes")
    return rows, frames


def _check_arrays(layer: LayerMesh, frames: int, name: str) -> None:
    """Shapes and dtypes of what a program hands over."""
    points, triangles = layer.points.shape[0], layer.triangles.shape[0]
    wanted: tuple[tuple[str, NDArray[Any], tuple[int, ...], type[np.generic]], ...] = (
        ("points", layer.points, (points, 2), np.uint16),
        ("disparities", layer.disparities, (frames, points), np.float32),
        ("triangles", layer.triangles, (triangles, 3), np.uint32),
        ("triangle_rect", layer.triangle_rect, (triangles,), np.uint16),
    )
    for key, array, shape, dtype in wanted:
        if array.shape != shape or array.dtype != dtype:
            raise FormatError(f"{name} {key} is {array.dtype} {array.shape}; it must be {np.dtype(dtype)} {shape}")
    if not np.isfinite(layer.disparities).all():
        raise FormatError(f"{name} has disparities that are not finite")
    rects = np.array([tuple(vars(rect).values()) for rect in layer.rects], np.int64)
    if rects.size and (rects.min() < 0 or rects.max() > limits.MAX_GRID_SIDE):
        raise FormatError(f"{name} has a rect outside 0 to {limits.MAX_GRID_SIDE}")


def _check_bounds(layers: int, frames: int, bounds: GeometryBounds | None) -> None:
    if bounds is not None and (layers, frames) != (bounds.layer_count, bounds.frame_count):
        raise FormatError(
            f"geometry has {layers} layers of {frames} frames; "
            f"the show says {bounds.layer_count} of {bounds.frame_count}"
        )


def _check_layer(layer: LayerMesh, row: _Counts, bounds: GeometryBounds | None, name: str) -> None:
    """Every index and coordinate of a layer, so that drawing it can read nothing outside."""
    grid = (limits.MAX_GRID_SIDE, limits.MAX_GRID_SIDE) if bounds is None else (bounds.grid_width, bounds.grid_height)
    atlas = grid if bounds is None else (bounds.atlas_width, bounds.atlas_height)
    if row.points and (layer.points > np.array(grid)).any():
        raise FormatError(f"{name} has points outside the grid of {grid[0]}x{grid[1]}")
    rects = _rect_array(layer.rects)
    x, y, width, height, atlas_x, atlas_y = rects.T
    if ((width < 1) | (height < 1) | (x + width > grid[0]) | (y + height > grid[1])).any():
        raise FormatError(f"{name} has a rect that is empty or outside the grid of {grid[0]}x{grid[1]}")
    if bounds is not None and ((atlas_x + width > atlas[0]) | (atlas_y + height > atlas[1])).any():
        raise FormatError(f"{name} has a rect outside the atlas of {atlas[0]}x{atlas[1]}")
    if not row.triangles:
        return
    if int(layer.triangles.max()) >= row.points:
        raise FormatError(f"{name} has a triangle with point {layer.triangles.max()} of {row.points}")
    if int(layer.triangle_rect.max()) >= row.rects:
        raise FormatError(f"{name} has a triangle in rect {layer.triangle_rect.max()} of {row.rects}")
    corners = layer.points[layer.triangles].astype(np.int32)
    low = rects[:, :2][layer.triangle_rect].astype(np.int32)
    high = low + rects[:, 2:4][layer.triangle_rect].astype(np.int32)
    if (corners < low[:, None]).any() or (corners > high[:, None]).any():
        raise FormatError(f"{name} has a triangle that leaves its rect")


def _rect_array(rects: tuple[Rect, ...]) -> NDArray[np.int64]:
    return np.array([(r.x, r.y, r.width, r.height, r.atlas_x, r.atlas_y) for r in rects], np.int64).reshape(-1, 6)


def _encode_layer(layer: LayerMesh) -> tuple[_Counts, bytes]:
    low, high = (
        (np.float32(layer.disparities.min()), np.float32(layer.disparities.max()))
        if layer.disparities.size
        else (np.float32(0), np.float32(0))
    )
    steps = _quantise(layer.disparities, low, high)
    moves = (steps[1:] != steps[:1]).any(axis=0)
    moving = np.flatnonzero(moves)
    # Frame to frame, modulo 2**16, of the moving points alone; the first against frame 0.
    temporal = packing.zigzag(np.ascontiguousarray(np.diff(steps[:, moving], axis=0)))
    triangles = layer.triangles.copy()
    triangles[:, 1:] -= layer.triangles[:, :-1]
    triangles[1:, 0] -= layer.triangles[:-1, 0]
    body = b"".join(
        (
            packing.to_planes(packing.differences(layer.points)),
            packing.to_planes(packing.differences(steps[0])),
            np.packbits(moves, bitorder="little").tobytes(),
            packing.to_planes(temporal),
            packing.to_planes(packing.differences(_rect_array(layer.rects).astype(np.uint16))),
            packing.to_planes(packing.zigzag(triangles)),
            packing.to_planes(packing.differences(layer.triangle_rect)),
        )
    )
    points, count = layer.points.shape[0], layer.triangles.shape[0]
    return _Counts(points, len(moving), count, len(layer.rects), float(low), float(high)), body


def _decode_layer(view: memoryview, row: _Counts, frames: int, name: str) -> LayerMesh:
    parts: list[memoryview] = []
    for size in row.sizes(frames):
        parts.append(view[:size])
        view = view[size:]
    points = packing.running(packing.from_planes(parts[0], (row.points, 2), np.uint16))
    base = packing.running(packing.from_planes(parts[1], (row.points,), np.uint16))
    bits = np.unpackbits(np.frombuffer(parts[2], np.uint8), bitorder="little")
    moving = np.flatnonzero(bits)
    if len(moving) != row.moving or (row.moving and moving[-1] >= row.points):
        raise FormatError(f"{name} marks other moving points than the {row.moving} of its table")
    temporal = packing.unzigzag(packing.from_planes(parts[3], (frames - 1, row.moving), np.uint16))
    rects = packing.running(packing.from_planes(parts[4], (row.rects, 6), np.uint16))
    triangles = packing.unzigzag(packing.from_planes(parts[5], (row.triangles, 3), np.uint32))
    triangles[:, 0] = np.cumsum(triangles[:, 0], dtype=np.uint32)
    triangles = np.cumsum(triangles, axis=1, dtype=np.uint32)
    triangle_rect = packing.running(packing.from_planes(parts[6], (row.triangles,), np.uint16))
    return LayerMesh(
        points=points.astype(np.uint16),
        disparities=_disparities(base, moving, temporal, row, frames),
        rects=tuple(Rect(*values) for values in rects.tolist()),
        triangles=triangles.astype(np.uint32),
        triangle_rect=triangle_rect.astype(np.uint16),
    )


def _quantise(disparities: NDArray[np.float32], low: np.float32, high: np.float32) -> NDArray[np.uint16]:
    span = float(high) - float(low)
    if span == 0.0:
        return np.zeros(disparities.shape, np.uint16)
    scaled = np.rint((disparities.astype(np.float64) - float(low)) * (STEPS / span))
    return np.clip(scaled, 0, STEPS).astype(np.uint16)


def _disparities(
    base: NDArray[Any], moving: NDArray[np.intp], temporal: NDArray[Any], row: _Counts, frames: int
) -> NDArray[np.float32]:
    """(T, P) float32: lowest + step * (highest - lowest) / 65535, in float64 and rounded once."""
    scale = (row.high - row.low) / STEPS
    still = (row.low + base.astype(np.float64) * scale).astype(np.float32)
    out = np.empty((frames, row.points), np.float32)
    out[:] = still
    steps = base[moving].astype(np.uint16)
    for frame in range(1, frames):
        steps = steps + temporal[frame - 1]
        out[frame, moving] = (row.low + steps.astype(np.float64) * scale).astype(np.float32)
    return out
