"""From a show to frames that can be drawn: read, unpack the geometry, decode the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from player.buffer import DecodedFrame
from player.composite.mesh import DrawMesh, draw_mesh
from player.composite.refine import refine
from player.decode import decode_pictures
from protocol.chunk import Chunk
from protocol.container import Show
from protocol.errors import UsageError
from protocol.index import Index


@dataclass(frozen=True)
class FrameReading:
    """How frames are read: which rung, how finely meshes are cut (layer texels), threads of the decoder (0: chosen)."""

    rung: int = 0
    longest_edge: float | None = 16.0
    threads: int = 0


def reading_for_play(show: Show, rung: int) -> FrameReading:
    """How a show is read for pinhole views, which draw planes exactly however coarse their triangles are."""
    return FrameReading(rung=rung, longest_edge=None if show.manifest.projection.kind == "plane" else 16.0)


def read_frames(show: Show, first: int, reading: FrameReading) -> Iterator[DecodedFrame]:
    """The frames of a show from `first` on, in order, each chunk read when it is needed.

    Raises:
        FormatError: a chunk is damaged; names it, and the time or the bytes.
        StorageError: the source cannot be read.
    """
    for number in range(show.index.chunk_of_frame(first), len(show.index.chunks)):
        chunk = show.read_chunk(number, reading.rung)
        for frame in chunk_frames(show, chunk, reading):
            if frame.index >= first:
                yield frame


def chunk_frames(show: Show, chunk: Chunk, reading: FrameReading) -> Iterator[DecodedFrame]:
    """The frames of one chunk: geometry and pictures paired by timestamp. Raises as `read_frames`."""
    mesh = chunk_mesh(show, chunk, longest_edge=reading.longest_edge)
    for picture in decode_pictures(chunk, show.manifest.rungs[chunk.rung], threads=reading.threads):
        yield DecodedFrame(
            index=chunk.first_frame + picture.frame,
            frame=picture.frame,
            time=chunk.frame_times[picture.frame],
            mesh=mesh,
            y=picture.y,
            u=picture.u,
            v=picture.v,
        )


def chunk_mesh(show: Show, chunk: Chunk, *, longest_edge: float | None) -> DrawMesh:
    """The geometry of a chunk, ready to draw. Raises as `read_frames`."""
    mesh = draw_mesh(show.read_geometry(chunk), show.manifest.projection)
    return mesh if longest_edge is None else refine(mesh, show.manifest.projection, longest=longest_edge)


def rung_named(show: Show, name: str | None) -> int:
    """The rung with a name; None is the one with the most bits.

    Raises:
        UsageError: there is none of that name.
    """
    names = [rung.name for rung in show.manifest.rungs]
    if name is None:
        return max(range(len(names)), key=lambda i: show.manifest.rungs[i].bits_per_second)
    if name not in names:
        raise UsageError(f"the show has no rung '{name}'; it has {', '.join(names)}")
    return names.index(name)


def frame_at(index: Index, time: Fraction | float) -> int:
    """The show's frame at `time` seconds, by its chunk's mean rate; the first or last where it is outside."""
    entry = index.chunks[index.chunk_at(time)]
    within = int((Fraction(time) - entry.start) * entry.frame_count / entry.duration)
    return entry.first_frame + min(max(within, 0), entry.frame_count - 1)
