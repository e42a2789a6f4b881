"""A show while it is being encoded, as sessions see it: one run of the encoder, from its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from protocol.errors import FormatError, StorageError
from protocol.header import HEADER_BYTES, join_front, settled
from protocol.index import ChunkEntry, Index, aligned, encode_row, index_bytes, index_of_rows, laid_out, moved_rows
from protocol.journal import PartialChunk
from protocol.manifest import Manifest, decode_manifest, encode_manifest
from protocol.serve.shelf import FilePart
from protocol.source import FileSource


class Broadcast:
    """A served show whose segments lie in a journal; whoever follows that tells it what has come.

    Attributes:
        index: of the show to come, as if its first segment lay at byte 0.
        live: the encoder has not finished.
        lost: why nothing more can be had of it, or empty.
    """

    def __init__(self, name: str, source: FileSource, chunks: Sequence[PartialChunk]) -> None:
        """Of an open journal and its complete chunks, at least one. Raises FormatError: the first has no manifest."""
        self.name = name
        self.live = True
        self.lost = ""
        self._source = source
        try:
            self._draft = decode_manifest(chunks[0].notes)
        except FormatError as error:
            raise FormatError(f"{source.path}: {error}") from error
        if len(self._draft.rungs) != len(chunks[0].entry.segments):
            raise FormatError(f"{source.path}: its manifest and its chunks differ in their rungs")
        self._chunks: list[ChunkEntry] = []
        self._rows = bytearray()  # of `index`, so that a front costs little however long the show
        self.index = Index(())
        self._front: bytes | None = None
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._append(chunks)

    @property
    def manifest(self) -> Manifest:
        """Of the show that would end with the newest chunk."""
        return settled(self._draft, self.index)

    @property
    def front(self) -> bytes:
        """Header, manifest and index of the show that would end with the newest chunk."""
        if self._front is None:
            rungs, packed = self.index.rung_count, encode_manifest(self.manifest)
            first = aligned(HEADER_BYTES + len(packed) + index_bytes(len(self._chunks), rungs))
            table = index_of_rows(moved_rows(self._rows, first, rung_count=rungs), rung_count=rungs)
            self._front = join_front(packed, table, first, first + self.index.chunks[-1].segments[-1].end)
        return self._front

    def read(self, chunk: int, rung: int, offset: int, length: int) -> bytes:
        part = self.locate(chunk, rung, offset, length)
        return part.read(part.start, part.length)

    def locate(self, chunk: int, rung: int, offset: int, length: int) -> FilePart:
        start = self._chunks[chunk].segments[rung].offset + offset
        if self._source.size() < start + length:
            raise StorageError(f"the journal of '{self.name}' was cut short while it was served")
        return FilePart(self._source, start, length, self.name)

    def on_growth(self, callback: Callable[[], None]) -> Callable[[], None]:
        key = object()
        self._callbacks[key] = callback

        def forget() -> None:
            self._callbacks.pop(key, None)

        return forget

    def grow(self, chunks: Sequence[PartialChunk]) -> None:
        """More chunks are complete. Call it on the event loop, as all that follows."""
        self._append(chunks)
        self._tell()

    def end(self) -> None:
        """The encoder has finished; nothing more comes."""
        self.live = False
        self._tell()

    def lose(self, reason: str) -> None:
        """What is here cannot be relied upon any more."""
        self.lost = reason
        self._tell()

    def close(self) -> None:
        self._source.close()

    def _append(self, chunks: Sequence[PartialChunk]) -> None:
        shown = self.index.chunks
        end = aligned(shown[-1].segments[-1].end) if shown else 0
        new = laid_out((chunk.entry for chunk in chunks), end)
        self._chunks += (chunk.entry for chunk in chunks)
        self._rows += b"".join(map(encode_row, new))
        self.index = Index(shown + new)
        self._front = None

    def _tell(self) -> None:
        # Each on its own: no session's fault keeps the others from their news, and no turn of the loop is long.
        loop = asyncio.get_running_loop()
        for callback in self._callbacks.values():
            loop.call_soon(callback)
