"""Segments that are here already: ahead of the play position, and behind it as long as there is room."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.chunk import Chunk


@dataclass(frozen=True, eq=False)
class Segment:
    """A chunk at a rung: its bytes as they came, or what was unpacked from them."""

    rung: int
    content: bytes | Chunk
    size: int


class SegmentCache:
    """At most `capacity` bytes of segments, but always the one that is played. Not for several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._segments: dict[int, Segment] = {}
        self.size = 0

    def __contains__(self, chunk: int) -> bool:
        return chunk in self._segments

    def get(self, chunk: int) -> Segment | None:
        """The chunk's segment, or None."""
        return self._segments.get(chunk)

    def put(self, chunk: int, segment: Segment, *, position: int, count: int) -> None:
        """Keep a segment. What is played last, seen from chunk `position` of `count` in a circle, makes room."""
        self.drop(chunk)
        self._segments[chunk] = segment
        self.size += segment.size
        while self.size > self._capacity and len(self._segments) > 1:
            self.drop(max(self._segments, key=lambda c: (c - position) % max(count, 1)))

    def drop(self, chunk: int) -> None:
        """Forget a segment."""
        old = self._segments.pop(chunk, None)
        if old is not None:
            self.size -= old.size

    def run(self, chunk: int) -> int:
        """How many chunks from this one on are here without a gap."""
        count = 0
        while chunk + count in self._segments:
            count += 1
        return count
