"""The segments between the network's thread, which puts them, and the decoder's, which takes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from player.cache import Segment, SegmentCache
from player.feed import Stale
from protocol.chunk import Chunk
from protocol.container import check_segment, unpack_segment
from protocol.errors import FormatError, LfvError
from protocol.index import Index

_LOOK_S = 0.02  # how often a waiting decoder asks whether it is still wanted
_SHARE_AHEAD = 0.75  # of the memory, for what is still to be played


@dataclass(frozen=True)
class Reach:
    """How far ahead segments are fetched: seconds, and bytes of memory in all."""

    seconds: float
    memory: int


class SegmentBuffer:
    """What is here, what is wanted next, and how it ended. All methods from any thread, unless they say otherwise."""

    def __init__(self, index: Index, reach: Reach, *, position: int, live: bool, loop: bool) -> None:
        """Prepare.

        Args:
            position: the chunk to begin with.
            loop: after the last chunk comes the first.
        """
        self._changed = threading.Condition()
        self._cache = SegmentCache(reach.memory)
        self._reach, self._loop = reach, loop
        self._index, self._position = index, position
        self._distrusted: set[int] = set()
        self._error: LfvError | None = None
        self._live = live
        self.on_move: Callable[[], None] = lambda: None

    @property
    def index(self) -> Index:
        """As far as it is known."""
        with self._changed:
            return self._index

    @property
    def live(self) -> bool:
        """More chunks may come."""
        with self._changed:
            return self._live

    def take(self, chunk: int, stale: Stale) -> Chunk | None:
        """The chunk, waiting for it; the play position moves there. None once it is stale, or behind the show's end.

        Raises:
            FormatError: it came damaged twice. LfvError: what ended the fetching.
        """
        self._move(chunk)
        while True:
            with self._changed:
                segment = self._cache.get(chunk)
                index = self._index
                if segment is None:
                    if stale() or (chunk >= len(index.chunks) and not self._live):
                        return None
                    if self._error is not None:
                        raise self._error
                    self._changed.wait(_LOOK_S)
                    continue
            found = self._unpacked(chunk, segment, index)
            if found is not None:
                return found

    def _move(self, chunk: int) -> None:
        with self._changed:
            moved, self._position = self._position != chunk, chunk
        if moved:
            self.on_move()

    def _unpacked(self, number: int, segment: Segment, index: Index) -> Chunk | None:
        """Checked outside the lock, and only once; a damaged segment is fetched once more."""
        if isinstance(segment.content, Chunk):
            return segment.content
        try:
            check_segment(index, number, segment.rung, segment.content)
            chunk = unpack_segment(index, number, segment.rung, segment.content)
        except FormatError:
            with self._changed:
                self._cache.drop(number)
                if number in self._distrusted:
                    raise
                self._distrusted.add(number)
            self.on_move()
            return None
        with self._changed:
            if self._cache.get(number) is segment:
                unpacked = replace(segment, content=chunk)
                self._cache.put(number, unpacked, position=self._position, count=len(self._index.chunks))
        return chunk

    def put(self, chunk: int, rung: int, data: bytes) -> None:
        """A segment has come."""
        with self._changed:
            segment = Segment(rung, data, len(data))
            self._cache.put(chunk, segment, position=self._position, count=len(self._index.chunks))
            self._changed.notify_all()

    def extend(self, index: Index) -> None:
        """The show has grown."""
        with self._changed:
            self._index = index
            self._changed.notify_all()

    def finish(self) -> None:
        """The show grows no more."""
        with self._changed:
            self._live = False
            self._changed.notify_all()

    def fail(self, error: LfvError) -> None:
        """Nothing more will come."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def missing(self) -> int | None:
        """The first chunk that should be fetched now, from the position on; None where enough is here.

        It may be the one behind the newest where the show is live.
        """
        with self._changed:
            chunks = self._index.chunks
            chunk, seconds, size = self._position, 0.0, 0
            for _ in range(len(chunks) + 1):
                if chunk >= len(chunks):
                    if self._live:
                        return len(chunks)
                    if not self._loop:
                        return None
                    chunk = 0
                segment = self._cache.get(chunk)
                if segment is None:
                    return chunk
                seconds += float(chunks[chunk].duration)
                size += segment.size
                # Room for one more segment like those that are here, or a cache would let go of what it just got.
                if seconds >= self._reach.seconds or size + segment.size > _SHARE_AHEAD * self._reach.memory:
                    return None
                chunk += 1
            return None

    def ahead_s(self) -> float:
        """Seconds of the show that are here from the position on."""
        with self._changed:
            run = self._cache.run(self._position)
            chunks = self._index.chunks
            end = min(self._position + run, len(chunks))
            return float(chunks[end - 1].end - chunks[self._position].start) if end > self._position else 0.0
