"""A tiny show: a far layer whose grey says which frame it is, and a red square in front of it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from protocol.chunk import Chunk, VideoAccessUnit, encode_segment
from protocol.manifest import Manifest, Rung
from protocol.mesh_codec import Geometry, encode_geometry
from protocol.partial import PartialShow
from tests.player.scenes import PLANE, grid_layer, rung, yuv

RATE = Fraction(30000, 1001)
FRAMES_PER_CHUNK = 6
CHUNKS = 3
COUNT = FRAMES_PER_CHUNK * CHUNKS
RUNG = rung(64, 80)


def grey(index: int) -> float:
    """How bright frame `index` of the show is."""
    return 0.1 + 0.045 * index


def planes(index: int) -> tuple[NDArray[np.uint8], ...]:
    """The picture of a frame: the far layer over all of the grid, the near one's 16x16 texels below."""
    colour, alpha = np.full((80, 64, 3), grey(index)), np.ones((80, 64))
    colour[48:], alpha[48:] = (1.0, 0.0, 0.0), 0.0
    alpha[56:72, 8:24] = 1.0
    return yuv(colour, alpha)


def geometry() -> Geometry:
    far = grid_layer(0, 0, 64, 48, step=16, atlas=(0, 0), disparity=0.0, frames=FRAMES_PER_CHUNK)
    near = grid_layer(24, 16, 16, 16, step=16, atlas=(8, 56), disparity=1.0, frames=FRAMES_PER_CHUNK)
    return Geometry((far, near))


def coded(pictures: Iterable[tuple[NDArray[np.uint8], ...]], *, codec: str = "libx264") -> tuple[VideoAccessUnit, ...]:
    """Access units in decoding order, with B-pictures."""
    context = av.CodecContext.create(codec, "w")
    units = []
    for i, (y, u, v) in enumerate(pictures):
        if i == 0:
            context.height, context.width = y.shape
            context.pix_fmt, context.time_base, context.framerate = "yuv420p", 1 / RATE, RATE
            quiet = {"x265-params": "log-level=none:bframes=3:b-adapt=0:keyint=250"}
            more = {"bf": "3", "b_strategy": "0"} if codec == "libx264" else quiet
            context.options = {"crf": "8", "preset": "fast", **more}
        frame = av.VideoFrame(context.width, context.height, "yuv420p")
        for plane, values in zip(frame.planes, (y, u, v), strict=True):
            padded = np.zeros((plane.height, plane.line_size), np.uint8)
            padded[:, : plane.width] = values
            plane.update(padded)
        frame.pts = i
        units += _units(context.encode(frame))
    return (*units, *_units(context.encode(None)))


def chunk(number: int, units: tuple[VideoAccessUnit, ...] | None = None) -> Chunk:
    first = number * FRAMES_PER_CHUNK
    indices = range(first, first + FRAMES_PER_CHUNK)
    return Chunk(
        index=number,
        rung=0,
        first_frame=first,
        start=first / RATE,
        duration=FRAMES_PER_CHUNK / RATE,
        frame_times=tuple(i / RATE for i in indices),
        geometry=encode_geometry(geometry()),
        video=units or coded(planes(i) for i in indices),
    )


def manifest(of: Rung = RUNG) -> Manifest:
    return Manifest(
        title="tiny",
        frame_rate=RATE,
        frame_count=COUNT,
        duration=COUNT / RATE,
        projection=PLANE,
        near=1.0,
        far=float("inf"),
        layer_count=2,
        comfort_min=(-0.2, -0.2, -0.1),
        comfort_max=(0.2, 0.2, 0.1),
        units="metres",
        T_show_rig=np.eye(4),
        cameras=(),
        rungs=(of,),
        background=(0.0, 0.0, 0.0),
    )


def write_show(path: Path) -> Path:
    """Write the whole show."""
    with PartialShow.open_or_create(path, fingerprint=b"player's tests") as partial:
        for number in range(CHUNKS):
            partial.append([encode_segment(chunk(number))])
        partial.finalise(manifest())
    return path


def _units(packets: Iterable[av.Packet]) -> list[VideoAccessUnit]:
    return [VideoAccessUnit(pts=int(p.pts or 0), key=p.is_keyframe, data=bytes(p)) for p in packets]
