"""Where a player's chunks come from: an open file at one rung, or a loader that fetches and adapts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from protocol.chunk import Chunk
from protocol.container import Show, unpack_geometry
from protocol.index import Index
from protocol.manifest import Manifest
from protocol.mesh_codec import Geometry

Stale = Callable[[], bool]


class Feed(Protocol):
    """Chunks in the order in which they are asked for."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def index(self) -> Index:
        """As far as the show is known; grows while it is live."""

    @property
    def live(self) -> bool:
        """More chunks may come."""

    def chunk(self, number: int, stale: Stale) -> Chunk | None:
        """The chunk, waiting for it; None once `stale()` or where the show has ended before it.

        Raises LfvError where it cannot come.
        """

    def spent(self, rung: int, seconds: float) -> None:
        """Told how long decoding or drawing one frame of the rung took."""


class ShowFeed:
    """The chunks of an open show at one rung."""

    live = False

    def __init__(self, show: Show, rung: int) -> None:
        self._show, self.rung = show, rung

    @property
    def manifest(self) -> Manifest:
        return self._show.manifest

    @property
    def index(self) -> Index:
        return self._show.index

    def chunk(self, number: int, stale: Stale) -> Chunk | None:
        """Reads it. Raises FormatError, StorageError."""
        return self._show.read_chunk(number, self.rung) if number < len(self.index.chunks) else None

    def spent(self, rung: int, seconds: float) -> None:
        """Nothing is adapted."""


def geometry_of(feed: Feed, chunk: Chunk) -> Geometry:
    """The meshes of a chunk. Raises FormatError."""
    return unpack_geometry(feed.manifest, feed.index, chunk)
