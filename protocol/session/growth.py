"""What a session tells of a live show's new chunks. SPEC section 8.8."""

from __future__ import annotations

from dataclasses import replace

from protocol import limits
from protocol.index import ChunkEntry, Index, encode_row, row_bytes
from protocol.session.messages import Appended

_ROWS_BYTES = limits.MAX_MESSAGE_BYTES // 2  # of one message; the rest goes into the next


def growth(index: Index, first: int, *, first_segment: int) -> Appended | None:
    """The next message about the chunks from `first` on, None where there are none yet.

    A show that would end later has a longer index, so its segments lie further behind. `first_segment` is where they
    begin in the file whose front the client has, and the rows speak of that file.
    """
    if first >= len(index.chunks):
        return None
    new = index.chunks[first : first + _ROWS_BYTES // row_bytes(index.rung_count)]
    shift = first_segment - index.chunks[0].segments[0].offset
    return Appended(first, b"".join(encode_row(_moved(chunk, shift)) for chunk in new))


def _moved(chunk: ChunkEntry, shift: int) -> ChunkEntry:
    if not shift:
        return chunk
    return replace(chunk, segments=tuple(replace(s, offset=s.offset + shift) for s in chunk.segments))
