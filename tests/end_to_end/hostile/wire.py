"""What clients that mean no good are made of: bare sockets, and waiting for the server to have enough of them.

Every attack is a function of a place and a random generator. It returns how many seconds the server bore with it, and
fails where those were too many.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

from protocol.session.messages import Hello, encode_message
from tests.protocol.session.test_golden_messages import MESSAGES

CUT_S = 10.0  # for whoever starts something and does not end it
STALL_S = 20.0  # for whoever does not take what waits
SLACK_S = 4.0  # sweeps, a busy machine


@dataclass(frozen=True)
class Place:
    """Where the server listens, the show's name there, and its process."""

    host: str
    port: int
    show: str
    pid: int

    def holds(self, port: int) -> bool:
        """Whether the server still has a connection to this port of a client.

        A client that reads nothing cannot see the end behind what it does not read.
        """
        connections = psutil.Process(self.pid).net_connections("tcp")
        return any(c.raddr and c.raddr.port == port for c in connections)


Attack = Callable[[Place, random.Random], Awaitable[float]]


def hello(place: Place, *, credit: int = 64 << 20, token: str = "") -> bytes:
    return encode_message(Hello((1,), place.show, token, "hostile", ("live",), credit))


@asynccontextmanager
async def connected(place: Place, *, receive_bytes: int | None = None) -> AsyncIterator[Wire]:
    """A bare connection; with `receive_bytes`, the system takes little on the client's behalf."""
    plain = socket.socket()
    plain.setblocking(False)
    if receive_bytes is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    await asyncio.get_running_loop().sock_connect(plain, (place.host, place.port))
    wire = Wire(plain)
    try:
        yield wire
    finally:
        plain.close()


class Wire:
    """A socket whose every byte the attack chooses."""

    def __init__(self, plain: socket.socket) -> None:
        self._socket, self._loop = plain, asyncio.get_running_loop()
        self.started = time.monotonic()

    async def send(self, data: bytes) -> None:
        """Raises OSError where the server has cut."""
        await self._loop.sock_sendall(self._socket, data)

    async def send_all(self, pieces: Iterable[bytes]) -> None:
        """One after the other; others on the loop have their turn in between."""
        for piece in pieces:
            await self.send(piece)
            await asyncio.sleep(0)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def finish(self) -> None:
        """Say that nothing more will come."""
        self._socket.shutdown(socket.SHUT_WR)

    async def read(self, count: int = 1 << 16) -> bytes:
        """Some bytes; none once the server has closed or cut."""
        try:
            return await self._loop.sock_recv(self._socket, count)
        except ConnectionError:
            return b""

    async def until(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            piece = await self.read(1)
            assert piece, data
            data += piece
        return data

    async def end(self, *, within_s: float) -> float:
        """Read on until the server ends it -> seconds since the start. Fails where it does not in time."""
        async with asyncio.timeout(within_s + SLACK_S - (time.monotonic() - self.started)):
            while await self.read():
                pass
        return time.monotonic() - self.started


def mutated(rng: random.Random) -> bytes:
    """Random bytes, or a right message with some of its bytes changed."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(encode_message(rng.choice(list(MESSAGES.values()))))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(data)


async def byte_a_second(wire: Wire, data: bytes, *, within_s: float = CUT_S) -> float:
    """One byte a second until the server has enough of it -> seconds."""

    async def drip() -> None:
        for number in range(len(data)):
            await wire.send(data[number : number + 1])
            await asyncio.sleep(1.0)

    return await cut_while(wire, drip(), within_s=within_s)


async def cut_while(wire: Wire, sending: Coroutine[None, None, None], *, within_s: float = CUT_S) -> float:
    """Until the server ends a client that sends meanwhile -> seconds.

    Who sends without reading does not see the end: it waits for room that never comes.
    """

    async def send() -> None:
        with suppress(OSError):
            await sending

    task = asyncio.create_task(send())
    try:
        return await wire.end(within_s=within_s)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def gone(wire: Wire, place: Place, *, within_s: float = STALL_S) -> float:
    """Until the server has cut a client that reads nothing -> seconds."""
    await asyncio.sleep(1.0)  # accepted by now, or cut already
    while place.holds(wire.port):
        assert time.monotonic() - wire.started < within_s + SLACK_S, "not cut in time"
        await asyncio.sleep(0.5)
    return time.monotonic() - wire.started
