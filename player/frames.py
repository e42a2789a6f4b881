"""From a feed to frames that can be drawn: unpack the geometry, decode the pictures."""

from __future__ import annotations

import time as clock
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

from player.buffer import DecodedFrame
from player.composite.mesh import DrawMesh, draw_mesh
from player.composite.refine import refine
from player.decode import decode_pictures
from player.feed import Feed, Stale, geometry_of
from protocol.chunk import Chunk
from protocol.errors import UsageError
from protocol.index import Index
from protocol.manifest import Manifest

LONGEST_EDGE = 16.0  # layer texels of a sphere's triangles, for SPEC 4.5 as well


@dataclass(frozen=True)
class FrameReading:
    """How frames are read: how finely meshes are cut (layer texels), threads of the decoder (0: chosen)."""

    longest_edge: float | None = LONGEST_EDGE
    threads: int = 0


def reading_for_play(manifest: Manifest) -> FrameReading:
    """How a show is read for pinhole views, which draw planes exactly however coarse their triangles are."""
    return FrameReading(longest_edge=None if manifest.projection.kind == "plane" else LONGEST_EDGE)


def read_frames(feed: Feed, first: int, reading: FrameReading, stale: Stale = lambda: False) -> Iterator[DecodedFrame]:
    """The frames of a show from `first` on, in order, each chunk taken when it is needed; waits at a live edge.

    It ends with the show, or where it waits once `stale()`.

    Raises:
        FormatError: a chunk is damaged; names it, and the time or the bytes.
        StorageError, StreamError: a chunk cannot be had.
    """
    number = feed.index.chunk_of_frame(first)
    while (chunk := feed.chunk(number, stale)) is not None:
        for frame in chunk_frames(feed, chunk, reading):
            if frame.index >= first:
                yield frame
        number += 1


def chunk_frames(feed: Feed, chunk: Chunk, reading: FrameReading) -> Generator[DecodedFrame, None, None]:
    """The frames of one chunk: geometry and pictures paired by timestamp. Raises as `read_frames`."""
    rung = feed.manifest.rungs[chunk.rung]
    mesh = chunk_mesh(feed, chunk, longest_edge=reading.longest_edge)
    with closing(decode_pictures(chunk, rung, threads=reading.threads)) as pictures:
        while True:
            started = clock.perf_counter()
            picture = next(pictures, None)
            if picture is None:
                return
            feed.spent(chunk.rung, clock.perf_counter() - started)
            yield DecodedFrame(
                index=chunk.first_frame + picture.frame,
                frame=picture.frame,
                time=chunk.frame_times[picture.frame],
                rung=rung,
                mesh=mesh,
                y=picture.y,
                u=picture.u,
                v=picture.v,
            )


def chunk_mesh(feed: Feed, chunk: Chunk, *, longest_edge: float | None) -> DrawMesh:
    """The geometry of a chunk, ready to draw. Raises as `read_frames`."""
    projection = feed.manifest.projection
    mesh = draw_mesh(geometry_of(feed, chunk), projection)
    return mesh if longest_edge is None else refine(mesh, projection, longest=longest_edge)


def rung_named(manifest: Manifest, name: str | None) -> int:
    """The rung with a name; None is the one with the most bits.

    Raises:
        UsageError: there is none of that name.
    """
    names = [rung.name for rung in manifest.rungs]
    if name is None:
        return max(range(len(names)), key=lambda i: manifest.rungs[i].bits_per_second)
    if name not in names:
        raise UsageError(f"the show has no rung '{name}'; it has {', '.join(names)}")
    return names.index(name)


def frame_at(index: Index, time: Fraction | float, *, grows: bool = False) -> int:
    """The show's frame at `time` seconds, by its chunk's mean rate; the first or last where it is outside.

    Where the show `grows`, a time behind its end gives a frame that is still to come.
    """
    entry = index.chunks[index.chunk_at(time)]
    within = max(int((Fraction(time) - entry.start) * entry.frame_count / entry.duration), 0)
    return entry.first_frame + (within if grows else min(within, entry.frame_count - 1))
