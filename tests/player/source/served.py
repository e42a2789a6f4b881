"""lfv's own server on the test's loop, and what a link brings from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from fractions import Fraction
from pathlib import Path

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.container import check_segment, open_show
from protocol.errors import LfvError
from protocol.serve.metrics import Metrics
from protocol.serve.server import ServeConfig, Server, serving
from protocol.serve.shelf import Shelf, open_static
from protocol.serve.zeromq import ZeromqConfig, ZeromqServer
from tests.player.source.scripted import QUICK, delivered, opened, segments


@contextmanager
def shelved(*paths: Path, token: str = "") -> Iterator[Shelf]:
    """A shelf with these shows."""
    shelf = Shelf(token=token) if token else Shelf()
    for path in paths:
        shelf.add(open_static(path))
    try:
        yield shelf
    finally:
        shelf.close()


@asynccontextmanager
async def web(*paths: Path, token: str = "", config: ServeConfig | None = None) -> AsyncIterator[Server]:
    """HTTP and WebSocket."""
    with shelved(*paths, token=token) as shelf:
        async with serving(shelf, config) as server:
            yield server


@asynccontextmanager
async def router(*paths: Path, token: str = "", config: ZeromqConfig | None = None) -> AsyncIterator[ZeromqServer]:
    """ZeroMQ."""
    with shelved(*paths, token=token) as shelf:
        server = ZeromqServer(shelf, Metrics(), config or ZeromqConfig())
        try:
            await server.start()
            yield server
        finally:
            await server.close()


async def fetched(url: str, options: LinkOptions = QUICK, *, rung: int = 0) -> dict[int, bytes]:
    """The whole show over a link, each segment as the index promises."""
    async with opened(url, options) as link:
        link.begin(Fraction(0), rung)
        found = segments(await delivered(link))
    assert all(each == rung for each, _ in found.values())
    return {chunk: data for chunk, (_, data) in found.items()}


def kept(path: Path, *, rung: int = 0) -> dict[int, bytes]:
    """The same out of the file."""
    with open_show(path) as show:
        found = {i: show.read_segment(i, rung) for i in range(len(show.index.chunks))}
        for chunk, data in found.items():
            check_segment(show.index, chunk, rung, data)
    return found


async def failure(url: str, options: LinkOptions = QUICK) -> LfvError:
    """Why no link can be opened there."""
    link = open_link(parse_address(url), options)
    try:
        await link.open()
    except LfvError as error:
        return error
    finally:
        await link.close()
    raise AssertionError(f"{url} was opened")
