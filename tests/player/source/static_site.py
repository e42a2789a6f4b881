"""A web server of one file that notes what it was asked, and misbehaves where a test says how."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.player.source.scripted import raw_server

TAG = '"the-tag"'


@dataclass
class Request:
    """One request: its path, headers with small names, and the range [start, end) it asks for."""

    connection: int
    path: str
    headers: dict[str, str]
    start: int
    end: int


@dataclass
class Reply:
    """What is sent: the head as it stands, the body in pieces with pauses between, and what follows."""

    head: bytes
    body: bytes = b""
    piece: int = 1 << 20
    pause_s: float = 0.0
    hang_up: bool = False
    stop_after: int | None = None


Answer = Callable[["Site", Request], Reply]


@dataclass
class Site:
    """The file and how it is answered; the other fields hold what has happened."""

    data: bytes
    answer: Answer | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    moments: list[str] = field(default_factory=list)  # "asked" and "answered", as they happen

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return [(request.start, request.end) for request in self.requests]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        waiting: asyncio.Queue[Request | None] = asyncio.Queue()
        listening = asyncio.ensure_future(self._listen(self.connections, reader, waiting))
        try:
            while (request := await waiting.get()) is not None:
                if await self._reply((self.answer or honest)(self, request), writer):
                    return
        finally:
            listening.cancel()

    async def _listen(self, connection: int, reader: asyncio.StreamReader, into: asyncio.Queue[Request | None]) -> None:
        """Requests may come while answers go."""
        with suppress(EOFError, OSError):
            while True:
                request = _parsed(connection, await reader.readuntil(b"\r\n\r\n"))
                self.requests.append(request)
                self.moments.append("asked")
                into.put_nowait(request)
        into.put_nowait(None)

    async def _reply(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection ends with it."""
        writer.write(reply.head)
        for start in range(0, len(reply.body), reply.piece):
            if reply.stop_after is not None and start >= reply.stop_after:
                await asyncio.sleep(60)
            await asyncio.sleep(reply.pause_s)
            writer.write(reply.body[start : start + reply.piece])
            await writer.drain()
        self.moments.append("answered")
        if reply.hang_up:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        return reply.hang_up


@asynccontextmanager
async def static_site(site: Site) -> AsyncIterator[str]:
    """The site runs -> its show's address."""
    async with raw_server(site.handle) as port:
        yield f"http://127.0.0.1:{port}/dir/show.lfv"


def honest(site: Site, request: Request, *, tag: str = TAG, more: str = "", **rest: int | float | bool) -> Reply:
    """206 with the range, as nginx answers; `rest` are fields of Reply."""
    end = min(request.end, len(site.data))
    body = site.data[request.start : end]
    head = (
        f"HTTP/1.1 206 Partial Content\r\nContent-Length: {len(body)}\r\nETag: {tag}\r\n"
        f"Content-Range: bytes {request.start}-{end - 1}/{len(site.data)}\r\n{more}\r\n"
    )
    return Reply(head.encode(), body, **rest)  # type: ignore[arg-type]


def plain(status: str, *headers: str, body: bytes = b"", hang_up: bool = False) -> Reply:
    """Any other answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return Reply("\r\n".join(lines).encode(), body, hang_up=hang_up)


def _parsed(connection: int, head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
    start, last = map(int, match.groups()) if match else (0, -1)
    return Request(connection, first.split(" ")[1], headers, start, last + 1)
