"""Real shows made for a benchmark: of any length, with rungs of exactly the rates that are asked for.

A far layer with a grey picture that moves a little, coded once per rung; every frame is made up to its rate with
filler (H.264 7.3.2.7), which decoders skip. So it is decoded and drawn like any show, and its sizes are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from encoder.video.codec_string import codec_string
from encoder.video.encode import Planes, encode_gop
from protocol.chunk import Chunk, VideoAccessUnit, encode_segment
from protocol.manifest import Manifest
from protocol.mesh_codec import Geometry, LayerMesh, Rect, encode_geometry
from protocol.partial import PartialShow
from protocol.projection import Projection
from protocol.records import Rung

RATE = Fraction(30)
_FILLER = b"\0\0\0\1\x0c"
_QUALITY = 30


@dataclass(frozen=True)
class BenchShow:
    """What to make.

    Attributes:
        chunks: how many, of `chunk_s` seconds each, a whole number of frames at 30 a second.
        rates: bits per second of each rung, best first.
        side: of the square colour region, pixels, a multiple of 16; the picture is twice as high.
    """

    chunks: int
    chunk_s: Fraction
    rates: tuple[int, ...]
    side: int = 64

    @property
    def frames(self) -> int:
        """Of one chunk."""
        return int(self.chunk_s * RATE)

    @property
    def projection(self) -> Projection:
        return Projection("plane", self.side, self.side, left=-1.0, top=1.0, density=self.side / 2)


def write_bench_show(path: Path, show: BenchShow) -> Path:
    """Writes the whole show. Raises StorageError."""
    with PartialShow.open_or_create(path, fingerprint=repr(show).encode(), restart=True) as partial:
        for number in range(show.chunks):
            partial.append([encode_segment(chunk) for chunk in bench_chunk(show, number)])
        partial.finalise(bench_manifest(show))
    return path


def bench_chunk(show: BenchShow, number: int) -> list[Chunk]:
    """Chunk `number` at every rung."""
    start = number * show.chunk_s
    return [
        Chunk(
            index=number,
            rung=rung,
            first_frame=number * show.frames,
            start=start,
            duration=show.chunk_s,
            frame_times=tuple(start + frame / RATE for frame in range(show.frames)),
            geometry=_geometry(show),
            video=_video(show, rate),
        )
        for rung, rate in enumerate(show.rates)
    ]


def bench_manifest(show: BenchShow) -> Manifest:
    """The manifest of the whole show."""
    return Manifest(
        title="bench",
        frame_rate=RATE,
        frame_count=show.chunks * show.frames,
        duration=show.chunks * show.chunk_s,
        projection=show.projection,
        near=1.0,
        far=10.0,
        layer_count=1,
        comfort_min=(-0.2, -0.2, -0.2),
        comfort_max=(0.2, 0.2, 0.2),
        units="metres",
        T_show_rig=np.eye(4),
        cameras=(),
        rungs=tuple(
            Rung(
                name=f"{rate / 1e6:g}",
                codec="h264",
                codec_string=codec_string("h264", _video(show, rate)[0].data),
                width=show.side,
                height=2 * show.side,
                colour_width=show.side,
                colour_height=show.side,
                alpha_x=0,
                alpha_y=show.side,
                texture_scale=1.0,
                bits_per_second=rate,
            )
            for rate in show.rates
        ),
    )


@cache
def _geometry(show: BenchShow) -> bytes:
    side = show.side
    layer = LayerMesh(
        points=np.array([(0, 0), (side, 0), (0, side), (side, side)], np.uint16),
        disparities=np.full((show.frames, 4), 0.5, np.float32),
        rects=(Rect(0, 0, side, side, 0, 0),),
        triangles=np.array([(0, 1, 3), (0, 3, 2)], np.uint32),
        triangle_rect=np.zeros(2, np.uint16),
    )
    return encode_geometry(Geometry((layer,)))


@cache
def _video(show: BenchShow, rate: int) -> tuple[VideoAccessUnit, ...]:
    """The same pictures in every chunk; the segment's tables and geometry count towards the rate."""
    units = encode_gop(_pictures(show), codec="h264", quality=_QUALITY, frame_rate=RATE, threads=1)
    other = len(_geometry(show)) + 128 + 20 * len(units)
    wanted = max(0, int(rate * show.chunk_s / 8) - other) // len(units)
    return tuple(VideoAccessUnit(unit.pts, unit.key, unit.data + _filler(wanted - len(unit.data))) for unit in units)


def _filler(size: int) -> bytes:
    missing = size - len(_FILLER) - 1
    return _FILLER + b"\xff" * missing + b"\x80" if missing > 0 else b""


def _pictures(show: BenchShow) -> Iterator[Planes]:
    side = show.side
    chroma = np.full((side, side // 2), 128, np.uint8)
    slope = np.linspace(60, 180, side).astype(np.uint8)
    for frame in range(show.frames):
        luma = np.empty((2 * side, side), np.uint8)
        luma[:side] = np.roll(slope, frame)
        luma[side:] = 235  # alpha: opaque
        yield luma, chroma, chroma
