"""A show in a file on this machine, as a link: so that players have one way for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from player.source.address import Address
from player.source.link import LinkOptions
from player.source.pulled_link import Ahead, PulledLink, Segment
from protocol.container import Show, open_show
from protocol.errors import FormatError, StreamError
from protocol.session.client import Opened


def link(address: Address, options: LinkOptions) -> PulledLink:
    """A link to a file; no option matters to it."""
    return PulledLink(address, _FileFetcher(address))


class _FileFetcher:
    """See pulled_link.Fetcher. It reads in threads: a disk may be slow, and the loop has other things to do."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._show: Show | None = None

    async def open(self) -> Opened:
        self._show = await asyncio.to_thread(open_show, Path(self._address.path))
        return Opened(self._show.manifest, self._show.index, live=False)

    async def fetch(self, segment: Segment, *, progress: Callable[[int], None], ahead: Ahead) -> bytes:
        if self._show is None:
            raise StreamError(f"{self._address.text} is not open yet; wait for it")
        chunk, rung = segment
        entry = self._show.entry(chunk, rung)
        data = await asyncio.to_thread(self._show.source.read_range, entry.offset, entry.length)
        if len(data) != entry.length:
            raise FormatError(
                f"{self._address.text}: chunk {chunk} rung {rung} is cut short", start=entry.offset, end=entry.end
            )
        progress(len(data))
        return data

    async def close(self) -> None:
        if self._show is not None:
            self._show.close()
