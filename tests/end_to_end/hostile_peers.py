"""Clients that a server should not have to bear: each asserts that it is refused or cut in time, by bare sockets.

Every attack is a function of an address and a random generator; it returns how many seconds the server put up with it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection

import psutil

from protocol.session.messages import Credit, Hello, Message, Ping, Subscribe, encode_message
from tests.protocol.session.test_golden_messages import MESSAGES

CUT_S = 10.0  # for whoever starts something and does not end it
STALL_S = 20.0  # for whoever does not take what waits
SLACK_S = 4.0  # sweeps, a busy machine
WHOLE, PIECE, TEXT, PING = 0x82, 0x02, 0x81, 0x89


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

    async def upgrade(self, place: Place, *, more: str = "") -> None:
        """Become a WebSocket."""
        await self.send(
            f"GET /{place.show}.lfv HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            f"Sec-WebSocket-Version: 13\r\n{more}\r\n".encode()
        )
        answer = await self.until(b"\r\n\r\n")
        assert b" 101 " in answer, answer

    async def say(self, *messages: bytes | Message) -> None:
        """Session messages, each in a frame."""
        await self.send(b"".join(frame(m if isinstance(m, bytes) else encode_message(m)) for m in messages))

    async def end(self, *, within_s: float) -> float:
        """Read on until the server ends it -> seconds since the start. Fails where it does not in time."""
        async with asyncio.timeout(within_s + SLACK_S - (time.monotonic() - self.started)):
            while await self.read():
                pass
        return time.monotonic() - self.started


def frame(payload: bytes, *, opcode: int = WHOLE, declared: int | None = None) -> bytes:
    """A client's frame (RFC 6455, section 5.2), masked with zeros; `declared` is what it says of its length."""
    length = len(payload) if declared is None else declared
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 1 << 16:
        size = b"\xfe" + struct.pack("!H", length)
    else:
        size = b"\xff" + struct.pack("!Q", length)
    return bytes([opcode]) + size + bytes(4) + payload


def mutated(rng: random.Random) -> bytes:
    """Random bytes, or a right message with some of its bytes changed."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(encode_message(rng.choice(list(MESSAGES.values()))))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(data)


# WebSocket


async def mutated_messages(place: Place, rng: random.Random) -> float:
    """Session after session, until one of the messages is too much."""
    longest = 0.0
    for number in range(40):
        async with connected(place) as wire:
            await wire.upgrade(place)
            with suppress(OSError):  # it was cut before we were done
                if number % 2:
                    await wire.say(hello(place), Subscribe(1, Fraction(0), 0))
                await wire.say(*(mutated(rng) for _ in range(8)), b"\xc1")
            longest = max(longest, await wire.end(within_s=CUT_S))
    return longest


async def declared_gigabytes(place: Place, rng: random.Random) -> float:
    """Frames, and lengths within a message, of what nobody could hold."""
    bombs = [frame(b"x" * 100, declared=declared) for declared in (1 << 17, 1 << 30, 1 << 40, (1 << 63) - 1)]
    bombs += [
        frame(b"\x81\xa4type" + bomb) for bomb in (b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\x91" * 60_000)
    ]
    bombs.append(frame(b"\x81\xa4type" + b"\xdc\xff\xff" * 20_000))
    longest = 0.0
    for number, bomb in enumerate(bombs):
        async with connected(place) as wire:
            await wire.upgrade(place)
            if number % 2:
                await wire.say(hello(place))
            await wire.send(bomb)
            longest = max(longest, await wire.end(within_s=CUT_S))
    return longest


async def pieces_without_end(place: Place, rng: random.Random) -> float:
    """One message in ever more frames."""
    async with connected(place) as wire:
        await wire.upgrade(place)
        with suppress(OSError):
            await wire.send(frame(b"x", opcode=PIECE))
            for _ in range(100_000):
                await wire.send(frame(b"x" * 100, opcode=0x00))
                await asyncio.sleep(0)
        return await wire.end(within_s=CUT_S)


async def flood(place: Place, rng: random.Random) -> float:
    """As many right messages as fit, whose answers nobody reads."""
    async with connected(place) as wire:
        await wire.upgrade(place)
        with suppress(OSError):
            await wire.say(hello(place))
            for number in range(2000):
                await wire.say(*(Ping(n) for n in range(number, number + 50)))
                await asyncio.sleep(0)
        return await wire.end(within_s=CUT_S)


async def flood_of_control_frames(place: Place, rng: random.Random) -> float:
    """The same below the session."""
    async with connected(place) as wire:
        await wire.upgrade(place)
        with suppress(OSError):
            for _ in range(20_000):
                await wire.send(frame(b"x" * 125, opcode=PING) * 20)
                await asyncio.sleep(0)
        return await wire.end(within_s=CUT_S)


async def text_messages(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await wire.upgrade(place)
        await wire.say(hello(place))
        await wire.send(frame(b"hello", opcode=TEXT))
        return await wire.end(within_s=CUT_S)


async def too_much_credit(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await wire.upgrade(place)
        await wire.say(hello(place), Credit(64 << 20), Credit(64 << 20))
        return await wire.end(within_s=CUT_S)


async def no_hello(place: Place, rng: random.Random) -> float:
    """A WebSocket and then nothing."""
    async with connected(place) as wire:
        await wire.upgrade(place)
        return await wire.end(within_s=CUT_S)


async def byte_a_second_of_a_message(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await wire.upgrade(place)
        await wire.say(hello(place, credit=0))
        wire.started = time.monotonic()
        return await _byte_a_second(wire, frame(bytes(60_000)))


async def never_reads(place: Place, rng: random.Random) -> float:
    """Asks for all that one may ask for, and takes none of it."""
    async with connected(place, receive_bytes=4096) as wire:
        await wire.upgrade(place)
        await wire.say(hello(place), Subscribe(1, Fraction(0), 0))
        return await _gone(wire, place)


async def never_reads_and_seeks(place: Place, rng: random.Random) -> float:
    """The same, with a new generation every now and then: what is stale must not pile up either."""
    async with connected(place, receive_bytes=4096) as wire:
        await wire.upgrade(place)
        await wire.say(hello(place))

        async def seek() -> None:
            for generation in range(1, 1000):
                await wire.say(Subscribe(generation, Fraction(generation % 5), 0))
                await asyncio.sleep(0.1)

        seeking = asyncio.create_task(seek())
        try:
            return await _gone(wire, place)
        finally:
            seeking.cancel()
            await asyncio.gather(seeking, return_exceptions=True)


# HTTP


async def silence(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        return await wire.end(within_s=CUT_S)


async def byte_a_second_of_a_request(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        return await _byte_a_second(wire, f"GET /{place.show}.lfv HTTP/1.1\r\nHost: a\r\nX: ".encode() + b"x" * 1000)


async def header_without_end(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        with suppress(OSError):
            await wire.send(b"GET / HTTP/1.1\r\n")
            for number in range(100_000):
                await wire.send(b"X-%d: %s\r\n" % (number, b"x" * 1000))
                await asyncio.sleep(0)
        return await wire.end(within_s=CUT_S)


async def gigabytes_of_body(place: Place, rng: random.Random) -> float:
    longest = 0.0
    for head in (b"Content-Length: 999999999999", b"Transfer-Encoding: chunked"):
        async with connected(place) as wire:
            with suppress(OSError):
                await wire.send(b"POST /x.lfv HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
                for _ in range(200):
                    await wire.send(b"ffff\r\n" + bytes(0xFFFF) + b"\r\n")
            longest = max(longest, await wire.end(within_s=CUT_S))
    return longest


async def mutated_requests(place: Place, rng: random.Random) -> float:
    right = (
        f"GET /{place.show}.lfv HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-99\r\nConnection: close\r\n\r\n".encode()
    )
    longest = 0.0
    for number in range(40):
        data = bytearray(right if number % 4 else rng.randbytes(300))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        async with connected(place) as wire:
            with suppress(OSError):
                await wire.send(bytes(data) + b"\r\n\r\n")
                wire.finish()
            longest = max(longest, await wire.end(within_s=CUT_S))
    return longest


async def many_ranges(place: Place, rng: random.Random) -> float:
    """A thousand overlapping ranges must not become a thousand answers."""
    async with connected(place) as wire:
        ranges = ",".join("0-" for _ in range(1000))
        await wire.send(
            f"GET /{place.show}.lfv HTTP/1.1\r\nHost: localhost\r\nRange: bytes={ranges}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        total = 0
        async with asyncio.timeout(CUT_S + SLACK_S):
            while piece := await wire.read():
                total += len(piece)
        assert total < 100 << 20
        return time.monotonic() - wire.started


async def requests_without_reading(place: Place, rng: random.Random) -> float:
    """A thousand requests for the whole file in a row, and no answer read."""
    async with connected(place, receive_bytes=4096) as wire:
        request = f"GET /{place.show}.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        sending = asyncio.create_task(wire.send(request * 1000))
        try:
            return await _gone(wire, place)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _byte_a_second(wire: Wire, data: bytes) -> float:
    async def drip() -> None:
        with suppress(OSError):
            for number in range(len(data)):
                await wire.send(data[number : number + 1])
                await asyncio.sleep(1.0)

    dripping = asyncio.create_task(drip())
    try:
        return await wire.end(within_s=CUT_S)
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def _gone(wire: Wire, place: Place) -> float:
    """Until the server has cut a client that reads nothing -> seconds."""
    await asyncio.sleep(1.0)  # accepted by now, or cut already
    while place.holds(wire.port):
        assert time.monotonic() - wire.started < STALL_S + SLACK_S, "not cut in time"
        await asyncio.sleep(0.5)
    return time.monotonic() - wire.started


QUICK: tuple[Attack, ...] = (
    mutated_messages,
    declared_gigabytes,
    pieces_without_end,
    flood,
    flood_of_control_frames,
    text_messages,
    too_much_credit,
    header_without_end,
    gigabytes_of_body,
    mutated_requests,
    many_ranges,
)
# Who takes nothing of what waits is given longer than who does not end what it begins.
STALLS: tuple[Attack, ...] = (never_reads, never_reads_and_seeks, requests_without_reading)
PATIENT: tuple[Attack, ...] = (
    no_hello,
    silence,
    byte_a_second_of_a_message,
    byte_a_second_of_a_request,
    *STALLS,
)


def attack_at_once(pipe: Connection, place: Place, names: Sequence[str]) -> None:
    """For a process of its own, so that attackers and players do not wait for each other: says how long each took."""

    async def run() -> list[float | BaseException]:
        attacks = [attack(place, random.Random(n)) for n, attack in enumerate(map(attack_named, names))]
        return await asyncio.gather(*attacks, return_exceptions=True)

    pipe.send([repr(took) if isinstance(took, BaseException) else took for took in asyncio.run(run())])


def attack_named(name: str) -> Attack:
    return next(attack for attack in (*QUICK, *PATIENT) if attack.__name__ == name)
