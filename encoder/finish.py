"""What is known of a show only when all of its chunks are there: cost, thumbnails, rates.

All of it is made of the journal's chunks and nothing else, so that an interrupted encode comes out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from encoder.cost.count import Drawn, cost_of, drawn_chunk
from encoder.cost.eyes import Eyes, eyes_of
from encoder.thumbnails import make_thumbnails
from player.feed import Stale, geometry_of
from protocol.chunk import Chunk
from protocol.container import PartialShow, unpack_segment
from protocol.header import settled
from protocol.index import Index
from protocol.manifest import Manifest, geometry_bounds
from protocol.mesh_codec import decode_geometry


class JournalFeed:
    """The chunks of a journal at one rung, for what reads shows."""

    live = False

    def __init__(self, journal: PartialShow, manifest: Manifest, rung: int) -> None:
        self._journal, self.manifest, self.rung = journal, manifest, rung

    @cached_property
    def index(self) -> Index:
        return self._journal.index()

    def chunk(self, number: int, stale: Stale) -> Chunk | None:
        """Reads it. Raises FormatError, StorageError."""
        if number >= len(self.index.chunks):
            return None
        return unpack_segment(self.index, number, self.rung, self._journal.read_segment(number, self.rung))

    def spent(self, rung: int, seconds: float) -> None:
        """Nothing is adapted."""


def finished_manifest(journal: PartialShow, draft: Manifest, *, title: str) -> Manifest:
    """The draft once all chunks are there. The title may have changed since: nothing else depends on it."""
    manifest = replace(settled(draft, journal.index()), title=title)
    feeds = [JournalFeed(journal, manifest, rung) for rung in range(len(manifest.rungs))]
    manifest = with_costs(manifest, [_drawn_chunks(feed, _eyes(manifest)) for feed in feeds])
    smallest = min(feeds, key=lambda feed: manifest.rungs[feed.rung].texture_scale)
    return replace(manifest, thumbnails=make_thumbnails(smallest))


def with_first_costs(draft: Manifest, geometries: Sequence[bytes]) -> Manifest:
    """The draft with what its one chunk costs, whose packed geometry at each rung is given."""
    eyes = _eyes(draft)
    bounds = [geometry_bounds(draft, rung=r, frame_count=draft.frame_count) for r in range(len(draft.rungs))]
    unpacked = [decode_geometry(data, bounds=b) for data, b in zip(geometries, bounds, strict=True)]
    return with_costs(draft, [[drawn_chunk(geometry, draft.projection, eyes)] for geometry in unpacked])


def with_costs(manifest: Manifest, rungs: Sequence[Sequence[Drawn]]) -> Manifest:
    """The manifest with the costs of its rungs, each of its chunks."""
    costed = (replace(rung, cost=cost_of(chunks)) for rung, chunks in zip(manifest.rungs, rungs, strict=True))
    return replace(manifest, rungs=tuple(costed))


def _drawn_chunks(feed: JournalFeed, eyes: Eyes) -> list[Drawn]:
    drawn = []
    for number in range(len(feed.index.chunks)):
        chunk = feed.chunk(number, lambda: False)
        assert chunk is not None
        drawn.append(drawn_chunk(geometry_of(feed, chunk), feed.manifest.projection, eyes))
    return drawn


def _eyes(manifest: Manifest) -> Eyes:
    return eyes_of(manifest.projection, comfort_min=manifest.comfort_min, comfort_max=manifest.comfort_max)
