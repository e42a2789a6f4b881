"""HTTP clients that mean no good."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress

from tests.end_to_end.hostile.wire import CUT_S, SLACK_S, Attack, Place, byte_a_second, connected, cut_while, gone


async def silence(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        return await wire.end(within_s=CUT_S)


async def byte_a_second_of_a_request(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        return await byte_a_second(wire, f"GET /{place.show}.lfv HTTP/1.1\r\nHost: a\r\nX: ".encode() + b"x" * 1000)


async def header_without_end(place: Place, rng: random.Random) -> float:
    async with connected(place) as wire:
        lines = [b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(10_000)] * 10
        return await cut_while(wire, wire.send_all([b"GET / HTTP/1.1\r\n", *lines]))


async def gigabytes_of_body(place: Place, rng: random.Random) -> float:
    longest = 0.0
    for head in (b"Content-Length: 999999999999", b"Transfer-Encoding: chunked"):
        async with connected(place) as wire:
            request = b"POST /x.lfv HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n"
            pieces = [b"ffff\r\n" + bytes(0xFFFF) + b"\r\n"] * 2000
            longest = max(longest, await cut_while(wire, wire.send_all([request, *pieces])))
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
            return await gone(wire, place)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


QUICK: tuple[Attack, ...] = (header_without_end, gigabytes_of_body, mutated_requests, many_ranges)
PATIENT: tuple[Attack, ...] = (silence, byte_a_second_of_a_request, requests_without_reading)
