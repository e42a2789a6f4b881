"""Servers that do what a script says, over real sockets: honest ones, and those that no honest server can be."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar

import zmq
import zmq.asyncio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from player.source.address import parse_address
from player.source.link import Link, LinkOptions, open_link
from protocol.session.events import Arrived, Ended, Event
from protocol.session.messages import (
    FRONT,
    SEGMENT,
    Hello,
    Message,
    PartHead,
    Subscribe,
    Welcome,
    decode_message,
    encode_message,
    encode_part_head,
)
from protocol.session.server import PlannedPart, ServerSession
from tests.protocol.session.shows import MemoryShow

T = TypeVar("T")
TRANSPORTS = ("ws", "tcp")
QUICK = LinkOptions(connect_s=5.0)


class Peer(Protocol):
    """The server's end of the wire to one client."""

    async def take(self) -> bytes:
        """The next message of the client."""

    async def send(self, message: bytes) -> None: ...

    async def cut(self) -> None:
        """End the connection without a word."""


Script = Callable[[Peer], Awaitable[None]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(test: Callable[[], Awaitable[T]]) -> T:
    """On a loop of its own, at most 20 s; what is left behind on it is an error."""

    async def limited() -> T:
        async with asyncio.timeout(20):
            result = await test()
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return result

    return asyncio.run(limited())


@asynccontextmanager
async def scripted(transport: str, script: Script) -> AsyncIterator[str]:
    """A server of one of TRANSPORTS -> its address. The script runs for each client."""
    async with (_websocket if transport == "ws" else _zeromq)(script) as port:
        yield f"{transport}://127.0.0.1:{port}/tiny.lfv"


@asynccontextmanager
async def raw_server(handle: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A TCP server on this machine -> its port. Handlers that are still busy at the end are cancelled."""
    tasks: set[asyncio.Task[None]] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await handle(reader, writer)
        finally:
            writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def opened(url: str, options: LinkOptions = QUICK) -> AsyncIterator[Link]:
    """An open link."""
    link = open_link(parse_address(url), options)
    try:
        await link.open()
        yield link
    finally:
        await link.close()


async def delivered(link: Link) -> list[Event]:
    """All that comes up to the end of the show."""
    events: list[Event] = []
    while not events or not isinstance(events[-1], Ended):
        events.append(await link.receive())
    return events


def segments(events: list[Event]) -> dict[int, tuple[int, bytes]]:
    """Chunk -> rung and bytes."""
    return {event.chunk: (event.rung, event.data) for event in events if isinstance(event, Arrived)}


# What honest servers say


async def message(peer: Peer, kind: type[T]) -> T:
    """The client's next message of this kind; others are passed over."""
    while True:
        found: Message = decode_message(await peer.take())
        if isinstance(found, kind):
            return found


async def welcome(peer: Peer, show: MemoryShow) -> Hello:
    """Answer a hello with the show's front."""
    hello = await message(peer, Hello)
    await peer.send(encode_message(Welcome(1, "scripted", ("live",), show.live, len(show.front))))
    await peer.send(front_part(show))
    return hello


async def subscribed(peer: Peer, show: MemoryShow) -> Subscribe:
    """Welcome the client and wait for what it wants."""
    await welcome(peer, show)
    return await message(peer, Subscribe)


def front_part(show: MemoryShow) -> bytes:
    return encode_part_head(PartHead(FRONT, 0, 0, 0, 0, len(show.front))) + show.front


def part(
    show: MemoryShow, chunk: int, rung: int, *, generation: int = 1, start: int = 0, end: int | None = None
) -> bytes:
    """Bytes [start, end) of a segment."""
    data = show.segment(chunk, rung)
    return encode_part_head(PartHead(SEGMENT, generation, chunk, rung, start, len(data))) + data[start:end]


def honest(show: MemoryShow, log: list[tuple[bool, bytes]] | None = None) -> Script:
    """A whole server, over the session's own end of it; it looks several times a second whether the show has grown.

    `log` is told all messages, with True in front of the client's.
    """

    async def script(peer: Peer) -> None:
        session = ServerSession(lambda _: show, agent="scripted", now=0.0)
        while not session.closing:
            with suppress(TimeoutError):
                # Not wait_for: it forgets that it was cancelled where a message comes at the same moment.
                async with asyncio.timeout(0.05):
                    data = await peer.take()
                session.receive(data, now=0.0)
                if log is not None:
                    log.append((True, data))
            for data in planned(session, show):
                if log is not None:
                    log.append((False, data))
                await peer.send(data)

    return script


def planned(session: ServerSession, show: MemoryShow) -> Iterator[bytes]:
    """Messages that a session has for its client now."""
    while (item := session.next()) is not None:
        if isinstance(item, PlannedPart):
            head = item.head
            whole = show.front if head.kind == FRONT else show.segment(head.chunk, head.rung)
            item = item.head_bytes + whole[head.offset : head.offset + item.length]
        yield item


# The wires


class _WebSocketPeer:
    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def take(self) -> bytes:
        data = await self._socket.recv()
        assert isinstance(data, bytes)
        return data

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)

    async def cut(self) -> None:
        self._socket.transport.abort()


@asynccontextmanager
async def _websocket(script: Script) -> AsyncIterator[int]:
    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await script(_WebSocketPeer(socket))
            await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=0.1) as server:
        yield next(iter(server.sockets)).getsockname()[1]


class _ZeroMqPeer:
    def __init__(self, router: zmq.asyncio.Socket, name: bytes) -> None:
        self._router, self._name = router, name
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(self) -> bytes:
        return await self.inbox.get()

    async def send(self, message: bytes) -> None:
        await self._router.send_multipart((self._name, message))

    async def cut(self) -> None:
        self._router.close(0)


@asynccontextmanager
async def _zeromq(script: Script) -> AsyncIterator[int]:
    context = zmq.asyncio.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    tasks: list[asyncio.Future[None]] = []

    async def listen() -> None:
        peers: dict[bytes, _ZeroMqPeer] = {}
        while True:
            name, data = await router.recv_multipart()
            if name not in peers:
                peers[name] = _ZeroMqPeer(router, name)
                tasks.append(asyncio.ensure_future(script(peers[name])))
            peers[name].inbox.put_nowait(data)

    tasks.append(asyncio.ensure_future(listen()))
    try:
        yield port
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        context.destroy(0)
