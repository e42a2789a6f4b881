"""The proxy that makes a network bad: rate, delay, order, push-back, and both kinds of outage, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from encoder.bench.impairment import Impairment, Outage
from encoder.bench.proxy import Proxy, open_proxy, proxy_in_thread

SLACK_S = 0.2  # for a busy machine

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def proxied(impairment: Impairment, handler: Handler = echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server, open_proxy(server.sockets[0].getsockname()[1], impairment) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def sent_back(proxy: Proxy, data: bytes) -> bytes:
    """What an echo gives for `data`, to the end of the connection."""
    async with connected(proxy) as (reader, writer):

        async def send() -> None:
            writer.write(data)
            writer.write_eof()
            await writer.drain()

        _, back = await asyncio.gather(send(), reader.read())
        return back


def test_bytes_come_in_order_and_whole_whatever_the_network_does() -> None:
    async def go() -> None:
        data = random.Random(0).randbytes(300_000)
        bad = Impairment(rate=20e6, delay_s=0.005, jitter_s=0.02, outages=(Outage(0, 5, "lossy"),), seed=1)
        async with proxied(bad) as proxy:
            assert await asyncio.gather(*(sent_back(proxy, data) for _ in range(3))) == [data] * 3
            assert proxy.connections == 3 and proxy.carried == (3 * len(data), 3 * len(data))

    asyncio.run(go())


@pytest.mark.parametrize(("rate", "clients"), [(4e6, 1), (16e6, 3)])
def test_the_rate_is_what_was_asked_for_and_all_connections_share_it(rate: float, clients: int) -> None:
    async def go() -> None:
        size = int(rate / 8 / clients * 0.8)

        async def give(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(bytes(size))
            writer.close()

        async def take(proxy: Proxy) -> None:
            async with connected(proxy) as (reader, _):
                assert len(await reader.read()) == size

        async with proxied(Impairment(rate=rate), give) as proxy:
            started = time.perf_counter()
            await asyncio.gather(*(take(proxy) for _ in range(clients)))
            # Never faster; and slower only by what a busy machine adds.
            assert 0.95 * 0.8 < time.perf_counter() - started < 1.05 * 0.8 + SLACK_S

    asyncio.run(go())


def test_a_question_takes_two_delays_and_a_connection_two_more() -> None:
    async def go() -> None:
        async with proxied(Impairment(delay_s=0.1)) as proxy, connected(proxy) as (reader, writer):
            times = []
            for _ in range(2):
                started = time.perf_counter()
                writer.write(b"?")
                await reader.readexactly(1)
                times.append(time.perf_counter() - started)
            assert 0.39 < times[0] < 0.4 + SLACK_S and 0.19 < times[1] < 0.2 + SLACK_S

    asyncio.run(go())


def test_a_connection_starts_slowly() -> None:
    """10 segments in the first round trip, 20 in the second, ...: 100 KB take four, however fast the line is."""

    async def go() -> None:
        async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            writer.write(bytes(100_000))
            writer.close()

        async with proxied(Impairment(rate=1e9, delay_s=0.05), give) as proxy, connected(proxy) as (reader, writer):
            writer.write(b"?")
            await reader.readexactly(1)
            started = time.perf_counter()
            await reader.read()
            assert 0.2 < time.perf_counter() - started < 0.3 + SLACK_S

    asyncio.run(go())


def test_a_slow_line_pushes_back_on_the_sender() -> None:
    """What a server can send ahead of the line is bounded, so that a seek is not behind megabytes."""

    async def go() -> None:
        sent = 0

        async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(bytes(4096))
                    await writer.drain()
                    sent += 4096

        async with proxied(Impairment(rate=1e6, delay_s=0.02), pour) as proxy, connected(proxy) as (reader, _):
            await reader.readexactly(50_000)
            assert sent - proxy.carried[1] < 350_000  # asyncio's write buffer and the kernel's two are in it

    asyncio.run(go())


def test_a_reset_tears_down_and_refuses_and_then_all_is_well() -> None:
    async def go() -> None:
        async with proxied(Impairment(outages=(Outage(0.2, 0.5, "reset"),))) as proxy:
            port = proxy.port
            async with connected(proxy) as (reader, writer):
                writer.write(b"?")
                assert await reader.readexactly(1) == b"?"
                with pytest.raises(ConnectionResetError):
                    await reader.read()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.4)
            assert proxy.port == port and await sent_back(proxy, b"again") == b"again"

    asyncio.run(go())


def test_a_pulled_cable_tells_nobody() -> None:
    async def go() -> None:
        async with proxied(Impairment(outages=(Outage(0.1, 0.5, "silent"),))) as proxy:
            started = time.perf_counter()
            async with connected(proxy) as (reader, writer):
                await asyncio.sleep(0.2)
                writer.write(b"?")
                fresh = asyncio.create_task(sent_back(proxy, b"new"))
                assert await reader.readexactly(1) == b"?"
                # The first retransmission behind the outage is 0.2 + 0.4 s after its beginning.
                assert 0.65 < time.perf_counter() - started < 0.75 + SLACK_S
                assert not fresh.done()
                assert await fresh == b"new"
                assert 1.15 < time.perf_counter() - started < 1.25 + SLACK_S

    asyncio.run(go())


def test_an_end_that_goes_is_noticed_at_the_other() -> None:
    async def go() -> None:
        gone = asyncio.Event()

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with pytest.raises(ConnectionResetError):
                await reader.read()
            gone.set()
            writer.close()

        async with proxied(Impairment(), wait) as proxy:
            async with connected(proxy) as (_, writer):
                await asyncio.sleep(0.05)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                writer.transport.abort()
            await asyncio.wait_for(gone.wait(), 2)

    asyncio.run(go())


def test_a_server_that_is_not_there_resets() -> None:
    async def go() -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            async with open_proxy(held.getsockname()[1], Impairment()) as proxy, connected(proxy) as (reader, _):
                with pytest.raises(ConnectionResetError):
                    await reader.read()

    asyncio.run(go())


def test_from_a_thread_the_network_changes_when_it_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        with proxy_in_thread(server.getsockname()[1], Impairment()) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
                accepted, _ = server.accept()
                with accepted:
                    client.sendall(b"a")
                    assert accepted.recv(1) == b"a"
                    proxy.impair(Impairment(rate=0))
                    time.sleep(0.05)
                    client.sendall(b"b")
                    accepted.settimeout(0.2)
                    with pytest.raises(TimeoutError):
                        accepted.recv(1)
                    proxy.impair(Impairment())
                    accepted.settimeout(5)
                    assert accepted.recv(1) == b"b"
            proxy.impair(Impairment(outages=(Outage(0, 60, "reset"),)))
            time.sleep(0.1)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
