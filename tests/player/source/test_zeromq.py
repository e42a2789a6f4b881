"""tcp:// against lfv's server, and against what is none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from fractions import Fraction
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from encoder.bench.impairment import Impairment
from encoder.bench.proxy import open_proxy
from player.source.address import parse_address
from player.source.link import LinkOptions
from player.source.zeromq import bytes_unread
from protocol.errors import StreamError, UsageError
from protocol.serve.curve import CurveKeys
from protocol.serve.zeromq import ZeromqConfig
from protocol.session.events import Arrived, Ended, Event
from protocol.session.messages import Welcome, encode_message
from tests.player.source.scripted import delivered, front_part, honest, opened, raw_server, run, scripted, segments
from tests.player.source.served import failure, fetched, kept, router
from tests.protocol.session.shows import MemoryShow


def keys() -> CurveKeys:
    public, secret = zmq.curve_keypair()
    return CurveKeys(public.decode(), secret.decode())


def test_whole_shows_come_from_lfvs_server(tiny: Path, big: Path) -> None:
    async def test() -> None:
        async with router(tiny, big) as server:
            base = f"tcp://127.0.0.1:{server.port}"
            assert await fetched(f"{base}/big.lfv") == kept(big)
            assert await fetched(f"{base}/tiny.lfv", rung=1) == kept(tiny, rung=1)
            assert await fetched(f"tcp://localhost:{server.port}/tiny") == kept(tiny)

    run(test)


def test_seeks_and_rungs_at_lfvs_server(big: Path) -> None:
    async def test() -> None:
        async with router(big) as server, opened(f"tcp://127.0.0.1:{server.port}/big.lfv") as link:
            for chunk in (0, 4, 1, 5, 3):
                link.begin(chunk * Fraction(1001, 10000), 0)
                event: Event | None = None
                while not isinstance(event, Arrived):
                    event = await link.receive()
                assert event.chunk == chunk
            assert isinstance((await delivered(link))[-1], Ended)

    run(test)


def test_refusals_of_lfvs_server(tiny: Path) -> None:
    async def test() -> None:
        async with router(tiny, token="sesame") as server:
            url = f"tcp://127.0.0.1:{server.port}/tiny.lfv"
            for options in (LinkOptions(), LinkOptions(token="wrong")):
                error = await failure(url, options)
                assert isinstance(error, StreamError) and error.code == "token"
            assert await fetched(url, LinkOptions(token="sesame")) == kept(tiny)
        async with router(tiny) as server:
            error = await failure(f"tcp://127.0.0.1:{server.port}/other.lfv")
            assert isinstance(error, StreamError) and error.code == "show"

    run(test)


def test_encrypted(tiny: Path) -> None:
    ours, others = keys(), keys()

    async def test() -> None:
        async with router(tiny, config=ZeromqConfig(keys=ours)) as server:
            url = f"tcp://127.0.0.1:{server.port}/tiny.lfv"
            assert await fetched(url, LinkOptions(server_key=ours.public)) == kept(tiny)
            assert "check --server-key" in str(await failure(url, LinkOptions(server_key=others.public)))
            assert "give --server-key" in str(await failure(url))
        async with router(tiny) as server:
            error = await failure(f"tcp://127.0.0.1:{server.port}/tiny.lfv", LinkOptions(server_key=ours.public))
            assert "does not encrypt" in str(error)

    run(test)


@pytest.mark.parametrize("key", ["", "short", "x" * 41, "ü" * 40, "\0" * 40, " " * 40])
def test_a_key_that_is_none(key: str, tiny: Path) -> None:
    async def test() -> None:
        async with router(tiny) as server:
            error = await failure(f"tcp://127.0.0.1:{server.port}/tiny.lfv", LinkOptions(server_key=key))
            assert isinstance(error, UsageError) and "40 characters of Z85" in str(error)

    run(test)


def test_nobody_there() -> None:
    async def test() -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            for host in ("127.0.0.1", "localhost"):
                error = await failure(f"tcp://{host}:{bound.getsockname()[1]}/x.lfv")
                assert isinstance(error, StreamError) and error.code == ""
                assert str(error).endswith("cannot be reached; is the server running?")
        assert "is not found" in str(await failure("tcp://no-such-host.invalid:5555/x.lfv"))

    run(test)


def test_somebody_who_is_mute() -> None:
    async def test() -> None:
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            error = await failure(f"tcp://127.0.0.1:{mute.getsockname()[1]}/x.lfv", LinkOptions(connect_s=0.2))
            assert "does not answer within 0.2 s" in str(error)

    run(test)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\xff\0\0\0\0\0\0\0\x01\x7f\x01"])
def test_what_speaks_no_zeromq(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        await writer.drain()

    async def test() -> None:
        async with raw_server(handle) as port:
            error = await failure(f"tcp://127.0.0.1:{port}/x.lfv")
            assert isinstance(error, StreamError) and "does not speak ZeroMQ" in str(error)

    run(test)


def test_messages_of_several_frames_are_no_messages() -> None:
    async def test() -> None:
        context = zmq.asyncio.Context()
        try:
            with context.socket(zmq.ROUTER) as server:
                port = server.bind_to_random_port("tcp://127.0.0.1")
                failing = asyncio.ensure_future(failure(f"tcp://127.0.0.1:{port}/x.lfv"))
                name, _hello = await server.recv_multipart()
                await server.send_multipart((name, b"one", b"two"))
                error = await failing
                assert isinstance(error, StreamError) and "several frames" in str(error)
        finally:
            context.destroy(0)

    run(test)


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY" + b"\x0bSocket-Type\x00\x00\x00\x06ROUTER"
MORE_LONG = b"\x03"


def test_a_message_without_end_is_not_kept() -> None:
    """ZeroMQ itself would keep its frames until the last one comes."""
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(GREETING)
        await reader.readexactly(len(GREETING))
        writer.write(bytes((4, len(READY))) + READY)
        frame = MORE_LONG + (1 << 16).to_bytes(8, "big") + bytes(1 << 16)
        while True:
            writer.write(frame)
            await writer.drain()
            sent += len(frame)
            await asyncio.sleep(0.001)

    async def test() -> None:
        async with raw_server(handle) as port:
            assert "messages without end" in str(await failure(f"tcp://127.0.0.1:{port}/x.lfv"))

    run(test)
    assert sent < 64 << 20


def test_many_bytes_are_no_message_without_end() -> None:
    show = MemoryShow([(10_000_000, 1)] * 3)

    async def test() -> None:
        async with router_through(Impairment(rate=200e6, delay_s=0.005), show) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            assert len(segments(await delivered(link))) == 3

    run(test)


def test_a_part_that_takes_long_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """ZeroMQ says nothing before a message is whole; the bytes that have come are seen all the same."""
    monkeypatch.setattr("player.source.keepalive.STALL_S", 0.6)
    show = MemoryShow([(1_000_000, 1)])
    options = LinkOptions(first_credit=16 << 20)

    async def test() -> None:
        async with router_through(Impairment(rate=4e6), show) as url, opened(url, options) as link:
            link.begin(Fraction(0), 0)
            assert segments(await delivered(link)) == {0: (0, show.segment(0, 0))}

    run(test)


@asynccontextmanager
async def router_through(impairment: Impairment, show: MemoryShow) -> AsyncIterator[str]:
    """A server behind a bad network."""
    async with scripted("tcp", honest(show)) as url, open_proxy(parse_address(url).port, impairment) as proxy:
        yield f"tcp://127.0.0.1:{proxy.port}/tiny.lfv"


def test_who_does_not_read_is_left() -> None:
    """Nothing piles up on this side without end."""

    async def test() -> None:
        show = MemoryShow()
        context = zmq.asyncio.Context()
        with context.socket(zmq.ROUTER) as server:
            server.rcvhwm, server.rcvbuf = 1, 4096
            port = server.bind_to_random_port("tcp://127.0.0.1")
            opening = asyncio.ensure_future(left_alone(f"tcp://127.0.0.1:{port}/x.lfv"))
            name, _hello = await server.recv_multipart()
            for message in (encode_message(Welcome(1, "x", (), False, len(show.front))), front_part(show)):
                await server.send_multipart((name, message))
            await opening
        context.destroy(0)

    async def left_alone(url: str) -> None:
        async with opened(url) as link:
            link.begin(Fraction(0), 0)
            with pytest.raises(StreamError, match="does not read what it is sent"):
                while True:
                    for _ in range(1000):
                        link.switch(0)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(link.receive(), 0.001)

    run(test)


def test_a_server_that_comes_back_is_a_new_link() -> None:
    """ZeroMQ would connect again by itself, and nobody would have said hello."""
    show = MemoryShow([(100_000, 1)] * 3)

    async def test() -> None:
        async with scripted("tcp", honest(show)) as url:
            async with opened(url) as link:
                link.begin(Fraction(0), 0)
                await delivered(link)
            assert set(await fetched(url)) == {0, 1, 2}
        error = await failure(url)
        assert isinstance(error, StreamError)

    run(test)


def test_what_the_library_had_no_time_to_read_is_no_endless_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sender:
        receiver, _ = server.accept()
        with receiver:
            assert bytes_unread(receiver) == bytes_unread(None) == 0
            sender.sendall(bytes(1000))
            receiver.recv(1, socket.MSG_PEEK)
            assert bytes_unread(receiver) == 1000
            receiver.recv(600)
            assert bytes_unread(receiver) == 400
