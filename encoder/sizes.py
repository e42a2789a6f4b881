"""What the chunks of a show are made of, in bytes by kind."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.chunk import HEADER_BYTES, SegmentHead, decode_head
from protocol.container import Show
from protocol.errors import FormatError


@dataclass(frozen=True)
class Sizes:
    """Bytes of all chunks at one rung. `headers` are the chunks' own headers and tables of times and lengths."""

    video: int
    geometry: int
    sound: int
    headers: int

    @property
    def total(self) -> int:
        return self.video + self.geometry + self.sound + self.headers


def sizes_of(show: Show, rung: int) -> Sizes:
    """Reads the header of every chunk. Raises FormatError, StorageError."""
    heads = [_head(show, number, rung) for number in range(len(show.index.chunks))]
    return Sizes(
        video=sum(h.video_bytes for h in heads),
        geometry=sum(h.geometry_bytes for h in heads),
        sound=sum(h.sound_bytes for h in heads),
        headers=sum(HEADER_BYTES + h.table_bytes for h in heads),
    )


def _head(show: Show, chunk: int, rung: int) -> SegmentHead:
    entry = show.entry(chunk, rung)
    head = decode_head(show.source.read_range(entry.offset, HEADER_BYTES))
    if head.size != entry.length:
        raise FormatError(f"chunk {chunk} rung {rung} is damaged; see lfv verify", start=entry.offset, end=entry.end)
    return head
