"""The same transports without any protocol of ours on them: what a loopback of this machine carries at all.

Servers and clients are functions for `processes.worker`. A server first says its port. A client waits for a number of
messages, fetches them, and says how many seconds that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import zmq
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

_COUNT = struct.Struct("<I")
_HIGH_WATER = 16  # messages
_READ_BYTES = 1 << 18


def serve_websocket_push(pipe: Connection, size: int) -> None:
    """Sends as many messages of `size` bytes as a client's message says."""

    async def push(socket: ServerConnection) -> None:
        payload = os.urandom(size)
        async for message in socket:
            assert isinstance(message, bytes)
            for _ in range(*_COUNT.unpack(message)):
                await socket.send(payload)

    asyncio.run(_serve_websocket(pipe, push))


def serve_websocket_echo(pipe: Connection) -> None:
    """Sends every message back."""

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    asyncio.run(_serve_websocket(pipe, echo))


async def _serve_websocket(pipe: Connection, handler: Callable[[ServerConnection], Awaitable[None]]) -> None:
    async def handle(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await handler(socket)

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        await server.serve_forever()


def pull_websocket_push(pipe: Connection, port: int) -> None:
    """Asks for messages and takes them."""

    async def pull(socket: ClientConnection, count: int) -> None:
        await socket.send(_COUNT.pack(count))
        for _ in range(count):
            await socket.recv()

    asyncio.run(_pull_websocket(pipe, port, pull))


def pull_websocket_echo(pipe: Connection, port: int, size: int) -> None:
    """Sends messages and takes them back, as fast as either goes."""
    payload = os.urandom(size)

    async def pull(socket: ClientConnection, count: int) -> None:
        async def send() -> None:
            for _ in range(count):
                await socket.send(payload)

        sending = asyncio.create_task(send())
        for _ in range(count):
            await socket.recv()
        await sending

    asyncio.run(_pull_websocket(pipe, port, pull))


async def _pull_websocket(
    pipe: Connection, port: int, pull: Callable[[ClientConnection, int], Awaitable[None]]
) -> None:
    async with connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None) as socket:
        while True:
            count = await asyncio.to_thread(pipe.recv)
            started = time.perf_counter()
            await pull(socket, count)
            pipe.send(time.perf_counter() - started)


def serve_zeromq(pipe: Connection, size: int, copy: bool) -> None:
    """A ROUTER that sends as many messages as a client's message says; with pyzmq's copy, as is usual, or without."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.sndhwm = router.rcvhwm = _HIGH_WATER
        router.router_mandatory = True  # wait where the client is slow, rather than drop
        pipe.send(router.bind_to_random_port("tcp://127.0.0.1"))
        payload = os.urandom(size)
        while True:
            client, message = router.recv_multipart()
            for _ in range(*_COUNT.unpack(message)):
                router.send_multipart((client, payload), copy=copy)


def pull_zeromq(pipe: Connection, port: int, copy: bool) -> None:
    """A DEALER that asks for messages and takes them."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.sndhwm = dealer.rcvhwm = _HIGH_WATER
        dealer.connect(f"tcp://127.0.0.1:{port}")
        while True:
            count = pipe.recv()
            started = time.perf_counter()
            dealer.send(_COUNT.pack(count))
            for _ in range(count):
                dealer.recv(copy=copy)
            pipe.send(time.perf_counter() - started)


def serve_http(pipe: Connection, path: Path) -> None:
    """Answers `GET /OFFSET/LENGTH` with that range of a file, by sendfile."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with path.open("rb") as file, contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                offset, length = map(int, request.split(b" ")[1].strip(b"/").split(b"/"))
                writer.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n\r\n" % length)
                await asyncio.get_running_loop().sendfile(writer.transport, file, offset, length)

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def pull_http(pipe: Connection, port: int, ranges: list[tuple[int, int]]) -> None:
    """Asks for one range after the other, from the first again after the last, and joins each one's bytes."""

    async def run() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_READ_BYTES)
        while True:
            count = await asyncio.to_thread(pipe.recv)
            started = time.perf_counter()
            for number in range(count):
                offset, length = ranges[number % len(ranges)]
                writer.write(b"GET /%d/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % (offset, length))
                await reader.readuntil(b"\r\n\r\n")
                pieces = []
                while length:
                    pieces.append(await reader.read(length))
                    length -= len(pieces[-1])
                b"".join(pieces)
            pipe.send(time.perf_counter() - started)

    asyncio.run(run())
