"""Makes a small real show in which every frame says its number twice: in its picture and in its geometry.

    python -m samples.make_counter_show OUT.lfv --frames 300 --gop 0.5

Whatever pairs the picture of one frame with the geometry of another shows at once (`read_counters`). The layout, in
texels (picture pixels are texels times the rung's texture scale):

- The grid is a plane of 128x64 texels, and so is the far layer, at atlas (0, 0), opaque. Its rows 0 to 31 are 2x8
  blocks of 16x16: block (row r, column c) is bit 15 - (8 r + c) of the number of the frame, white (luma 235) for 1 and
  black (luma 16) for 0. Below is a still pattern.
- The near layer is one rect, grid (0, 32) to (128, 64), at atlas (0, 64). It has 16 loose squares of 8x8, square k in
  the middle of the cell of 16x16 that is the k-th, row by row. All four points of square k, which are points 4 k to
  4 k + 3 of the layer, have disparity 1 where bit 15 - k is 1 and 0.5 where it is 0. Two more points, 64 and 65, stand
  still at 0.5 and 1, so that the range is always the same.
- The colour region is 128x128 texels, the alpha region lies below it.

So the number is readable in the coded planes, in the mesh, and on the screen: squares of set bits stand nearer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.video.codec_string import codec_string
from encoder.video.colour import write_alpha, write_colour
from encoder.video.encode import Planes, encode_gop
from encoder.video.encode import VideoAccessUnit as Unit
from encoder.video.encoders import CODECS, Codec
from player.buffer import DecodedFrame
from protocol.chunk import Chunk, VideoAccessUnit, encode_segment
from protocol.errors import UsageError
from protocol.manifest import Manifest
from protocol.mesh_codec import Geometry, LayerMesh, Rect, encode_geometry
from protocol.partial import PartialShow
from protocol.projection import Projection
from protocol.records import Rung

BITS = 16
MOST_FRAMES = 1 << BITS
WIDTH, HEIGHT = 128, 64  # of the grid
COLOUR = 128  # a side of the colour region at texture scale 1
BLOCK, SQUARE = 16, 8
FAR, NEAR_0, NEAR_1 = 0.1, 0.5, 1.0  # disparities
PROJECTION = Projection("plane", WIDTH, HEIGHT, left=-1.0, top=0.5, density=64.0, wraps=False)

_THREADS = 1  # pictures this small gain nothing from more
_COLUMNS = WIDTH // BLOCK
_WEIGHTS = 1 << np.arange(BITS - 1, -1, -1)
_FILLER = b"\0\0\0\1\x0c"  # start code and header of a filler NAL unit, H.264 section 7.3.2.7


@dataclass(frozen=True)
class CounterRung:
    """One rung: texture scale 1, 3/4, 1/2 or 1/4, quality (CRF), and the rate that it is filled up to, bits/s."""

    name: str
    scale: Fraction
    quality: int
    bits_per_second: int | None = None


FULL = CounterRung("full", Fraction(1), 20)
MEDIUM = CounterRung("medium", Fraction(3, 4), 26)
LOW = CounterRung("low", Fraction(1, 2), 32)


@dataclass(frozen=True)
class CounterShow:
    """What to make.

    Attributes:
        frames: at most 65536.
        rungs: best first.
        gop: seconds of a chunk, a whole number of frames.
        rate: frames per second.
        codec: of all rungs; only H.264 can be filled up to a rate.
        first: the number that frame 0 says; the others count on, modulo 65536.
    """

    frames: int = 300
    rungs: tuple[CounterRung, ...] = (FULL, MEDIUM, LOW)
    gop: Fraction = Fraction(1, 2)
    rate: Fraction = Fraction(30)
    codec: Codec = "h264"
    first: int = 0

    @property
    def chunk_frames(self) -> int:
        return max(1, int(self.gop * self.rate))

    @property
    def chunk_count(self) -> int:
        return -(-self.frames // self.chunk_frames)


def make_counter_show(out: Path, show: CounterShow | None = None, **changes: Any) -> Path:
    """Writes the whole show; the same arguments give the same bytes. Returns `out`.

    Args:
        show: what to make.
        changes: fields of it that are to be other than it says, such as frames=50.

    Raises:
        UsageError: what is asked for cannot be made. StorageError: it cannot be written.
    """
    show = replace(show or CounterShow(), **changes)
    _check(show)
    with PartialShow.open_or_create(out, fingerprint=repr(show).encode(), restart=True) as journal:
        chunks = (counter_chunks(show, number) for number in range(show.chunk_count))
        strings: tuple[str, ...] = ()
        for chunk in chunks:
            strings = strings or tuple(codec_string(show.codec, rung.video[0].data) for rung in chunk)
            journal.append([encode_segment(rung) for rung in chunk])
        index = journal.index()
        rates = [round(index.bits_per_second(rung)) for rung in range(len(show.rungs))]
        journal.finalise(counter_manifest(show, strings, rates))
    return out


def counter_chunks(show: CounterShow, number: int) -> list[Chunk]:
    """Chunk `number` of the show at every rung: of itself alone, so that a live show may be made chunk by chunk."""
    first = number * show.chunk_frames
    frames = range(first, min(first + show.chunk_frames, show.frames))
    geometry = encode_geometry(_geometry([show.first + frame for frame in frames]))
    return [
        Chunk(
            index=number,
            rung=place,
            first_frame=first,
            start=first / show.rate,
            duration=len(frames) / show.rate,
            frame_times=tuple(frame / show.rate for frame in frames),
            geometry=geometry,
            video=tuple(_filled(unit, rung, show.rate) for unit in _video(show, rung, frames)),
        )
        for place, rung in enumerate(show.rungs)
    ]


def counter_manifest(show: CounterShow, codec_strings: Sequence[str], bits_per_second: Sequence[int]) -> Manifest:
    """The manifest of the show, with what its coded rungs turned out to be."""
    return Manifest(
        title="counter",
        frame_rate=show.rate,
        frame_count=show.frames,
        duration=show.frames / show.rate,
        projection=PROJECTION,
        near=1.0 / NEAR_1,
        far=1.0 / FAR,
        layer_count=2,
        comfort_min=(-0.2, -0.2, -0.1),
        comfort_max=(0.2, 0.2, 0.1),
        units="metres",
        T_show_rig=np.eye(4),
        cameras=(),
        rungs=tuple(
            Rung(
                name=rung.name,
                codec=show.codec,
                codec_string=string,
                width=_side(rung),
                height=2 * _side(rung),
                colour_width=_side(rung),
                colour_height=_side(rung),
                alpha_x=0,
                alpha_y=_side(rung),
                texture_scale=float(rung.scale),
                bits_per_second=bits,
            )
            for rung, string, bits in zip(show.rungs, codec_strings, bits_per_second, strict=True)
        ),
    )


def read_counters(frame: DecodedFrame, rung: Rung) -> tuple[int, int]:
    """The number that a decoded frame's picture says, and the one that its geometry says."""
    block = round(BLOCK * rung.texture_scale)
    blocks = frame.y[: 2 * block, : _COLUMNS * block].reshape(2, block, _COLUMNS, block)
    inner = slice(block // 4, block - block // 4)
    bright = blocks[:, inner, :, inner].mean(axis=(1, 3)).reshape(-1) > 128
    disparities = frame.mesh.disparities[1][frame.frame][: 4 * BITS].reshape(BITS, 4)
    near = disparities.mean(axis=1) > 0.5 * (NEAR_0 + NEAR_1)
    return int(bright @ _WEIGHTS), int(near @ _WEIGHTS)


def _check(show: CounterShow) -> None:
    if not 1 <= show.frames <= MOST_FRAMES:
        raise UsageError(f"{show.frames} frames; a counter show has 1 to {MOST_FRAMES}")
    if (show.gop * show.rate).denominator != 1 or show.gop <= 0:
        raise UsageError(f"{show.gop} s at {show.rate} frames/s is no whole number of frames; choose another length")
    if not show.rungs or any(rung.scale * 4 not in (1, 2, 3, 4) for rung in show.rungs):
        raise UsageError("a counter show has rungs of texture scale 1, 3/4, 1/2 or 1/4")
    if show.codec != "h264" and any(rung.bits_per_second for rung in show.rungs):
        raise UsageError("only h264 can be filled up to a rate")


def _side(rung: CounterRung) -> int:
    return int(COLOUR * rung.scale)


def _bits(number: int) -> NDArray[np.bool_]:
    """(16,) highest first."""
    return (number & _WEIGHTS) != 0


def _geometry(numbers: Sequence[int]) -> Geometry:
    corners = np.array([(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)], np.uint16)
    quad = np.array([(0, 1, 3), (0, 3, 2)], np.uint32)
    far = LayerMesh(
        points=corners,
        disparities=np.full((len(numbers), 4), FAR, np.float32),
        rects=(Rect(0, 0, WIDTH, HEIGHT, 0, 0),),
        triangles=quad,
        triangle_rect=np.zeros(2, np.uint16),
    )
    row, column = np.divmod(np.arange(BITS), _COLUMNS)
    low = np.stack([column * BLOCK, HEIGHT // 2 + row * BLOCK], axis=1) + (BLOCK - SQUARE) // 2
    squares = low[:, None] + SQUARE * np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
    bits = np.stack([_bits(number) for number in numbers]).repeat(4, axis=1)
    ends = np.tile(np.array([NEAR_0, NEAR_1]), (len(numbers), 1))
    near = LayerMesh(
        points=np.concatenate([squares.reshape(-1, 2), [(0, HEIGHT), (WIDTH, HEIGHT)]]).astype(np.uint16),
        disparities=np.concatenate([np.where(bits, NEAR_1, NEAR_0), ends], axis=1).astype(np.float32),
        rects=(Rect(0, HEIGHT // 2, WIDTH, HEIGHT // 2, 0, HEIGHT),),
        triangles=(quad[None] + 4 * np.arange(BITS, dtype=np.uint32)[:, None, None]).reshape(-1, 3),
        triangle_rect=np.zeros(2 * BITS, np.uint16),
    )
    return Geometry((far, near))


def _video(show: CounterShow, rung: CounterRung, frames: Sequence[int]) -> tuple[Unit, ...]:
    side, block = _side(rung), int(BLOCK * rung.scale)
    base = _still_planes(side)

    def pictures() -> Iterator[Planes]:
        for frame in frames:
            luma = base[0].copy()
            lit = _bits(show.first + frame).reshape(2, _COLUMNS).repeat(block, axis=0).repeat(block, axis=1)
            luma[: 2 * block] = np.where(lit, 235, 16)
            yield luma, base[1], base[2]

    return encode_gop(pictures(), codec=show.codec, quality=rung.quality, frame_rate=show.rate, threads=_THREADS)


def _still_planes(side: int) -> Planes:
    """What does not change: grey blocks without a number, a pattern below them, the squares' orange, and alpha."""
    y, x = (np.mgrid[:side, :side] + 0.5) * (COLOUR / side)
    rgb = np.zeros((side, side, 3), np.uint8)
    rings = np.hypot(x - 64, y - 48)
    pattern = np.stack([120 + 80 * np.sin(rings / 3), 120 + x * 0.8, 200 - x], axis=-1)
    rgb[:] = np.where((y < HEIGHT)[..., None], pattern, (255, 140, 0)).clip(0, 255)
    rgb[y < 2 * BLOCK] = 0
    luma, cb, cr = np.empty((2 * side, side), np.uint8), *(np.empty((side, side // 2), np.uint8) for _ in range(2))
    write_colour(rgb, luma[:side], cb[: side // 2], cr[: side // 2])
    alpha = np.where(y < 3 * HEIGHT // 2, 255, 0).astype(np.uint8)
    write_alpha(alpha, luma[side:], cb[side // 2 :], cr[side // 2 :])
    return luma, cb, cr


def _filled(unit: Unit, rung: CounterRung, rate: Fraction) -> VideoAccessUnit:
    """The access unit, made up with filler to a frame's share of the rung's rate."""
    wanted = 0 if rung.bits_per_second is None else int(rung.bits_per_second / rate / 8)
    missing = wanted - len(unit.data) - len(_FILLER) - 1
    filler = _FILLER + b"\xff" * missing + b"\x80" if missing > 0 else b""
    return VideoAccessUnit(unit.pts, unit.key, unit.data + filler)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    default = CounterShow()
    parser = argparse.ArgumentParser(prog="python -m samples.make_counter_show", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT.lfv")
    parser.add_argument("--frames", type=int, default=default.frames, metavar="N", help="up to 65536 (%(default)s)")
    parser.add_argument("--gop", type=Fraction, default=default.gop, metavar="S", help="of a chunk (%(default)s)")
    parser.add_argument("--fps", type=Fraction, default=default.rate, metavar="RATE", help="%(default)s")
    parser.add_argument("--codec", choices=CODECS, default=default.codec, help="%(default)s")
    parser.add_argument(
        "--rates", type=float, nargs=3, metavar="MBIT", help="fill the rungs up to these, best first, in Mbit/s"
    )
    args = parser.parse_args(argv)
    rates = args.rates or (None, None, None)
    rungs = tuple(
        CounterRung(rung.name, rung.scale, rung.quality, None if rate is None else round(1e6 * rate))
        for rung, rate in zip(default.rungs, rates, strict=True)
    )
    try:
        make_counter_show(args.out, frames=args.frames, rungs=rungs, gop=args.gop, rate=args.fps, codec=args.codec)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
