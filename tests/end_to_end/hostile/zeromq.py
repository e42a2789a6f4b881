"""ZeroMQ clients that mean no good, by the library and by bare sockets."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction

import zmq

from protocol.session.messages import Error, Message, Ping, Subscribe, decode_message, encode_message, is_part
from tests.end_to_end.hostile.wire import (
    CUT_S,
    SLACK_S,
    STALL_S,
    Attack,
    Place,
    Wire,
    byte_a_second,
    connected,
    cut_while,
    gone,
    hello,
    mutated,
)

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
_READY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack("!I", 6) + b"DEALER"
_COMMAND = bytes([0x04, len(_READY)]) + _READY
HEARTBEATS_S = 20.0  # ZeroMQ's own: one every 5 s, and 15 s for the answer
PROBED_S = 1.5 * STALL_S  # the system asks less and less often whether there is room again


async def greet(wire: Wire) -> None:
    """Become a ZeroMQ peer (ZMTP 3.0, NULL)."""
    await wire.send(_GREETING)
    await wire.until(b"READY")
    await wire.send(_COMMAND)


def single(message: bytes) -> bytes:
    """A message of one frame (ZMTP 3.0)."""
    size = bytes([0x00, len(message)]) if len(message) < 256 else b"\x02" + struct.pack("!Q", len(message))
    return size + message


@contextmanager
def dealer(place: Place) -> Iterator[Dealer]:
    """A DEALER that keeps almost nothing for whoever reads it."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    try:
        for option, value in ((zmq.RCVHWM, 1), (zmq.RCVBUF, 4096), (zmq.SNDHWM, 100_000), (zmq.RECONNECT_IVL, -1)):
            socket.setsockopt(option, value)
        socket.connect(f"tcp://{place.host}:{place.port}")
        yield Dealer(socket, monitor)
    finally:
        socket.disable_monitor()
        monitor.close(0)
        socket.close(0)
        context.term()


@dataclass(frozen=True)
class Dealer:
    """A peer by the library, and what tells of its end."""

    socket: zmq.Socket[bytes]
    monitor: zmq.Socket[bytes]

    def say(self, *messages: bytes | Message) -> None:
        for message in messages:
            self.socket.send(message if isinstance(message, bytes) else encode_message(message), zmq.NOBLOCK)

    async def over(self, *, within_s: float = CUT_S) -> float:
        """Until the server says an error or cuts -> seconds. Fails where it does neither in time."""
        started = time.monotonic()
        while time.monotonic() - started < within_s + SLACK_S:
            with suppress(zmq.Again):
                data = self.socket.recv(zmq.NOBLOCK)
                if not is_part(data) and isinstance(decode_message(data), Error):
                    return time.monotonic() - started
                continue
            with suppress(zmq.Again):
                self.monitor.recv_multipart(zmq.NOBLOCK)
                return time.monotonic() - started
            await asyncio.sleep(0.02)
        raise AssertionError("the server bears with it")


async def mutated_frames(place: Place, rng: random.Random) -> float:
    longest = 0.0
    for number in range(30):
        with dealer(place) as peer:
            if number % 2:
                peer.say(hello(place), Subscribe(1, Fraction(0), 0))
            peer.say(*(mutated(rng) for _ in range(8)), b"\xc1")
            longest = max(longest, await peer.over())
    return longest


async def several_frames(place: Place, rng: random.Random) -> float:
    """No message of ours has several frames: the server says so, or does as if nothing had come."""
    with dealer(place) as peer:
        for number in range(200):
            peer.socket.send_multipart([b""] * (1 + number % 50) + [hello(place)], zmq.NOBLOCK)
        peer.say(b"\xc1")
        return await peer.over()


async def a_flood_of_frames(place: Place, rng: random.Random) -> float:
    with dealer(place) as peer:
        peer.say(hello(place))
        with suppress(zmq.Again):
            for number in range(20_000):
                peer.say(Ping(number))
        return await peer.over()


async def never_says_hello(place: Place, rng: random.Random) -> float:
    """A message that is none of a session, and then nothing; and many identities that say nothing at all."""
    with dealer(place) as peer:
        peer.say(Ping(1))
        return await peer.over()


async def never_takes(place: Place, rng: random.Random) -> float:
    """Asks for all that one may ask for, again and again, and takes none of it."""
    async with connected(place, receive_bytes=4096) as wire:
        await greet(wire)
        await wire.send(single(hello(place)) + single(encode_message(Subscribe(1, Fraction(0), 0))))

        async def seek() -> None:
            with suppress(OSError):
                for generation in range(2, 1000):
                    await wire.send(single(encode_message(Subscribe(generation, Fraction(0), 0))))
                    await asyncio.sleep(0.1)

        seeking = asyncio.create_task(seek())
        try:
            return await gone(wire, place, within_s=PROBED_S)
        finally:
            seeking.cancel()
            await asyncio.gather(seeking, return_exceptions=True)


async def byte_a_second_of_a_frame(place: Place, rng: random.Random) -> float:
    """Answers no heartbeat in between, which ends it sooner than the session's silence would."""
    async with connected(place) as wire:
        await greet(wire)
        await wire.send(single(hello(place, credit=0)))
        return await byte_a_second(wire, single(bytes(200)), within_s=HEARTBEATS_S)


async def frames_without_end(place: Place, rng: random.Random) -> float:
    """One message of ever more frames, none of them long."""
    async with connected(place) as wire:
        await greet(wire)
        return await cut_while(wire, wire.send_all([(b"\x01\xff" + bytes(255)) * 100] * 20_000))


async def comes_and_goes(place: Place, rng: random.Random) -> float:
    """Sessions that are left without a word."""
    for _ in range(100):
        with dealer(place) as peer:
            peer.say(hello(place), Subscribe(1, Fraction(0), 0))
            await asyncio.sleep(0.01)
    return 0.0


async def no_zeromq(place: Place, rng: random.Random) -> float:
    """Bytes of something else."""

    async def one(data: bytes) -> float:
        async with connected(place) as wire:
            with suppress(OSError):
                await wire.send(data)
            return await wire.end(within_s=CUT_S)

    datas = (b"GET / HTTP/1.1\r\n\r\n" * 10, rng.randbytes(1000), bytes(1000), b"\xff" * 1000)
    return max(await asyncio.gather(*map(one, datas)))


async def frames_of_gigabytes(place: Place, rng: random.Random) -> float:
    """A right greeting, then frames that declare more than anybody sends."""
    longest = 0.0
    for size in (1 << 21, 1 << 31, 1 << 40, (1 << 63) - 1):
        async with connected(place) as wire:
            await greet(wire)
            await wire.send(b"\x02" + struct.pack("!Q", size) + bytes(1000))
            longest = max(longest, await wire.end(within_s=CUT_S))
    return longest


async def a_greeting_byte_by_byte(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        return await byte_a_second(wire, _GREETING + _COMMAND)


async def a_greeting_and_silence(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await greet(wire)
        return await wire.end(within_s=HEARTBEATS_S)


QUICK: tuple[Attack, ...] = (
    mutated_frames,
    several_frames,
    a_flood_of_frames,
    never_says_hello,
    comes_and_goes,
    frames_of_gigabytes,
    frames_without_end,
)
PATIENT: tuple[Attack, ...] = (
    a_greeting_byte_by_byte,
    no_zeromq,
    never_takes,
    a_greeting_and_silence,
    byte_a_second_of_a_frame,
)
