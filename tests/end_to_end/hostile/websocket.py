"""WebSocket clients that mean no good."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from contextlib import suppress
from fractions import Fraction

from protocol.session.messages import Credit, Message, Ping, Subscribe, encode_message
from tests.end_to_end.hostile.wire import (
    CUT_S,
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

WHOLE, PIECE, TEXT, CLOSE, PING = 0x82, 0x02, 0x81, 0x88, 0x89


async def upgrade(wire: Wire, place: Place) -> None:
    """Become a WebSocket."""
    await wire.send(
        f"GET /{place.show}.lfv HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = await wire.until(b"\r\n\r\n")
    assert b" 101 " in answer, answer


async def say(wire: Wire, *messages: bytes | Message) -> None:
    """Session messages, each in a frame."""
    await wire.send(b"".join(frame(m if isinstance(m, bytes) else encode_message(m)) for m in messages))


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


async def mutated_messages(place: Place, rng: random.Random) -> float:
    """Forty sessions, until one of the messages is too much for each."""

    async def one(messages: list[bytes]) -> float:
        async with connected(place) as wire:
            await upgrade(wire, place)
            with suppress(OSError):  # it was cut before we were done
                await say(wire, *messages)
                await wire.send(frame(b"", opcode=CLOSE))
            return await wire.end(within_s=CUT_S)

    opening = [hello(place), encode_message(Subscribe(1, Fraction(0), 0))]
    scripts = [(opening if n % 2 else []) + [mutated(rng) for _ in range(8)] + [b"\xc1"] for n in range(40)]
    return max(await asyncio.gather(*map(one, scripts)))


async def declared_gigabytes(place: Place, rng: random.Random) -> float:
    """Frames, and lengths within a message, of what nobody could hold."""

    async def one(bomb: bytes, greeted: bool) -> float:
        async with connected(place) as wire:
            await upgrade(wire, place)
            await wire.send((frame(hello(place)) if greeted else b"") + bomb)
            return await wire.end(within_s=CUT_S)

    inside = (b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\x91" * 60_000, b"\xdc\xff\xff" * 20_000)
    bombs = [frame(b"x" * 100, declared=declared) for declared in (1 << 17, 1 << 30, 1 << 40, (1 << 63) - 1)]
    bombs += [frame(b"\x81\xa4type" + bomb) for bomb in inside]
    return max(await asyncio.gather(*(one(bomb, greeted) for bomb in bombs for greeted in (False, True))))


async def pieces_without_end(place: Place, rng: random.Random) -> float:
    """One message in ever more frames."""
    async with connected(place) as wire:
        await upgrade(wire, place)
        frames = [frame(b"x", opcode=PIECE)] + [frame(b"x" * 100, opcode=0x00)] * 100_000
        return await cut_while(wire, wire.send_all(frames))


async def flood(place: Place, rng: random.Random) -> float:
    """As many right messages as fit; their answers are read, but are not enough for anybody."""
    async with connected(place) as wire:
        await upgrade(wire, place)
        pings = [b"".join(frame(encode_message(Ping(n))) for n in range(50))] * 2000
        return await cut_while(wire, wire.send_all([frame(hello(place)), *pings]))


async def flood_of_control_frames(place: Place, rng: random.Random) -> float:
    """The same below the session."""
    async with connected(place) as wire:
        await upgrade(wire, place)
        return await cut_while(wire, wire.send_all([frame(b"x" * 125, opcode=PING) * 20] * 20_000))


async def text_messages(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await upgrade(wire, place)
        await say(wire, hello(place))
        await wire.send(frame(b"hello", opcode=TEXT) + frame(b"", opcode=CLOSE))
        return await wire.end(within_s=CUT_S)


async def too_much_credit(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await upgrade(wire, place)
        await say(wire, hello(place), Credit(64 << 20), Credit(64 << 20))
        await wire.send(frame(b"", opcode=CLOSE))
        return await wire.end(within_s=CUT_S)


async def no_hello(place: Place, rng: random.Random) -> float:
    """A WebSocket and then nothing."""
    async with connected(place) as wire:
        await upgrade(wire, place)
        return await wire.end(within_s=CUT_S)


async def byte_a_second_of_a_message(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        await upgrade(wire, place)
        await say(wire, hello(place, credit=0))
        wire.started = time.monotonic()
        return await byte_a_second(wire, frame(bytes(60_000)))


async def never_reads(place: Place, rng: random.Random) -> float:
    """Asks for all that one may ask for, and takes none of it."""
    async with connected(place, receive_bytes=4096) as wire:
        await upgrade(wire, place)
        await say(wire, hello(place), Subscribe(1, Fraction(0), 0))
        return await gone(wire, place)


async def never_reads_and_seeks(place: Place, rng: random.Random) -> float:
    """The same, with a new generation every now and then: what is stale must not pile up either."""
    async with connected(place, receive_bytes=4096) as wire:
        await upgrade(wire, place)
        await say(wire, hello(place))

        async def seek() -> None:
            for generation in range(1, 1000):
                await say(wire, Subscribe(generation, Fraction(generation % 5), 0))
                await asyncio.sleep(0.1)

        seeking = asyncio.create_task(seek())
        try:
            return await gone(wire, place)
        finally:
            seeking.cancel()
            await asyncio.gather(seeking, return_exceptions=True)


QUICK: tuple[Attack, ...] = (
    mutated_messages,
    declared_gigabytes,
    pieces_without_end,
    flood,
    flood_of_control_frames,
    text_messages,
    too_much_credit,
)
PATIENT: tuple[Attack, ...] = (no_hello, byte_a_second_of_a_message, never_reads, never_reads_and_seeks)
