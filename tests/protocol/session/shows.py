"""Shows in memory, as a session sees them: their segments are any bytes, for no end of a session looks into them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from protocol.header import decode_header, encode_front, first_segment_offset, settled
from protocol.index import ChunkEntry, Index, SegmentEntry, aligned, digest
from protocol.manifest import Manifest
from tests.protocol import examples

FRAMES = 3
DURATION = FRAMES / examples.FRAME_RATE
SMALL = ((5000, 300), (40_000, 16_385), (1, 16_384), (70_000, 20_000))  # bytes of each chunk at each rung


class MemoryShow:
    """One show; `grow` and `finish` are for a live one."""

    def __init__(
        self, lengths: Sequence[Sequence[int]] = SMALL, *, live: bool = False, seed: int = 0, poster: bytes = b""
    ) -> None:
        """Chunks of FRAMES frames, with a segment of so many bytes per rung."""
        self.live, self._poster = live, poster
        self._rng = random.Random(seed)
        self._segments: list[list[bytes]] = []
        self.grow(lengths)

    def grow(self, lengths: Sequence[Sequence[int]]) -> None:
        """More chunks: front and index become those of a show that ends with them."""
        self._segments += [[self._rng.randbytes(length) for length in row] for row in lengths]
        offset = first_segment_offset(self._manifest(), len(self._segments))
        self._set(index_of(self._segments, offset))

    def declare(self, length: int) -> None:
        """The index says that the last segment of the last chunk is so long, whatever there is of it."""
        *chunks, last = self.index.chunks
        *segments, segment = last.segments
        last = replace(last, segments=(*segments, replace(segment, length=length)))
        self._set(Index((*chunks, last)))

    def finish(self) -> None:
        """Nothing more will come."""
        self.live = False

    def segment(self, chunk: int, rung: int) -> bytes:
        return self._segments[chunk][rung]

    def read(self, chunk: int, rung: int, offset: int, length: int) -> bytes:
        return self._segments[chunk][rung][offset : offset + length]

    def file_bytes(self) -> bytes:
        """The finished show as a file."""
        out = bytearray(self.index.chunks[-1].segments[-1].end)
        out[: len(self.front)] = self.front
        for chunk, row in zip(self.index.chunks, self._segments, strict=True):
            for entry, data in zip(chunk.segments, row, strict=True):
                out[entry.offset : entry.end] = data
        return bytes(out)

    def _manifest(self) -> Manifest:
        made = examples.manifest(chunks=len(self._segments), frames=FRAMES, rungs=len(self._segments[0]))
        return replace(made, poster=self._poster)

    def _set(self, index: Index) -> None:
        self.index = index
        front = encode_front(settled(self._manifest(), index), index)
        self.front = front[: decode_header(front).front_bytes]


def index_of(segments: Sequence[Sequence[bytes]], offset: int) -> Index:
    """The index of these segments behind each other from `offset` on."""
    chunks = []
    for number, row in enumerate(segments):
        entries = []
        for data in row:
            entries.append(SegmentEntry(offset, len(data), digest(data)))
            offset = aligned(offset + len(data))
        chunks.append(ChunkEntry(number * Fraction(DURATION), DURATION, number * FRAMES, FRAMES, tuple(entries)))
    return Index(tuple(chunks))
