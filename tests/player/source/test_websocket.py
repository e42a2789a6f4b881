"""ws:// and wss:// against lfv's server, and against what is none."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from player.source.link import LinkOptions
from player.source.websocket import is_loopback
from protocol.errors import MissingExtraError, StreamError, UsageError
from protocol.serve.server import ServeConfig, tls_context
from protocol.session.events import Arrived, Ended, Event
from protocol.session.messages import Welcome, encode_message
from tests.player.source.scripted import delivered, front_part, honest, opened, raw_server, run, scripted
from tests.player.source.served import failure, fetched, kept, web
from tests.protocol.session.shows import MemoryShow


def test_whole_shows_come_from_lfvs_server(tiny: Path, big: Path) -> None:
    async def test() -> None:
        async with web(tiny, big) as server:
            base = f"ws://127.0.0.1:{server.port}"
            assert await fetched(f"{base}/big.lfv") == kept(big)
            assert await fetched(f"{base}/tiny.lfv", rung=1) == kept(tiny, rung=1)
            assert await fetched(f"ws://localhost:{server.port}/any/where/tiny") == kept(tiny)

    run(test)


def test_seeks_and_rungs_at_lfvs_server(big: Path) -> None:
    async def test() -> None:
        async with web(big) as server, opened(f"ws://127.0.0.1:{server.port}/big.lfv") as link:
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
        async with web(tiny, token="sesame") as server:
            url = f"ws://127.0.0.1:{server.port}/tiny.lfv"
            for options in (LinkOptions(), LinkOptions(token="wrong")):
                error = await failure(url, options)
                assert isinstance(error, StreamError) and error.code == "token"
                assert "wrong'" not in str(error)
            assert await fetched(url, LinkOptions(token="sesame")) == kept(tiny)
            assert await fetched(f"{url}?token=sesame", LinkOptions(token="wrong")) == kept(tiny)
        async with web(tiny) as server:
            error = await failure(f"ws://127.0.0.1:{server.port}/other.lfv")
            assert isinstance(error, StreamError) and error.code == "show" and "'other'" in str(error)

    run(test)


def test_over_tls(certificate: tuple[Path, Path], big: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with web(big, config=ServeConfig(tls=tls_context(*certificate))) as server:
            url = f"wss://127.0.0.1:{server.port}/big.lfv"
            assert await fetched(url, LinkOptions(ca_file=certificate[0])) == kept(big)
            error = await failure(url)
            assert isinstance(error, StreamError) and error.code == "certificate"
            assert "not trusted" in str(error) and "--ca FILE" in str(error)
            error = await failure(url.replace("127.0.0.1", "localhost"), LinkOptions(ca_file=certificate[0]))
            assert isinstance(error, StreamError) and error.code == "certificate" and "localhost" in str(error)
            assert "closed the connection" in str(await failure(url.replace("wss", "ws")))
            for path in (tmp_path / "none.pem", certificate[1]):
                with pytest.raises(UsageError, match="give a PEM file"):
                    raise await failure(url, LinkOptions(ca_file=path))
        async with web(big) as server:
            assert "does not speak TLS" in str(await failure(f"wss://127.0.0.1:{server.port}/big.lfv"))

    run(test)


def test_nobody_there() -> None:
    async def test() -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            for host in ("127.0.0.1", "localhost"):
                error = await failure(f"ws://{host}:{port}/x.lfv")
                assert isinstance(error, StreamError) and error.code == ""
                assert str(error) == f"ws://{host}:{port}/x.lfv refuses the connection; is the server running there?"
        assert "is not found" in str(await failure("ws://no-such-host.invalid/x.lfv"))

    run(test)


def test_somebody_who_is_mute() -> None:
    async def test() -> None:
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            error = await failure(f"ws://127.0.0.1:{mute.getsockname()[1]}/x.lfv", LinkOptions(connect_s=0.2))
            assert "does not answer within 0.2 s" in str(error)

    run(test)


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "capability", "does not serve sessions"),
        (
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nlaws",
            "token",
            "(HTTP 403: laws)",
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "show", "no such show"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "", "busy (HTTP 503)"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n",
            "capability",
            "somewhere else now",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "capability", "does not speak WebSocket"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            "capability",
            "does not speak WebSocket",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "capability", "does not speak WebSocket"),
        (b"", "", "closed the connection"),
        (b"HTTP/1.1 101 Swi", "", "closed the connection"),
    ],
)
def test_what_is_no_server_of_sessions(answer: bytes, code: str, says: str) -> None:
    async def test() -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with raw_server(handle) as port:
            error = await failure(f"ws://127.0.0.1:{port}/x.lfv?token=secret")
        assert isinstance(error, StreamError) and error.code == code
        assert says in str(error) and "secret" not in str(error)

    run(test)


async def raw_session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ServerProtocol:
    """Shake hands, byte by byte under the test's control."""
    protocol = ServerProtocol()
    while not (events := protocol.events_received()):
        protocol.receive_data(await reader.read(4096))
    protocol.send_response(protocol.accept(events[0]))  # type: ignore[arg-type]
    writer.write(b"".join(protocol.data_to_send()))
    return protocol


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (Frame(Opcode.TEXT, b"hello").serialize(mask=False), "sends text"),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", "breaks the WebSocket protocol"),
        (b"\x82\x7f\x00\x00\x00\x40\x00\x00\x00\x00", "sends a message of more than"),
        (b"\xff" * 20, "breaks the WebSocket protocol"),
        (Frame(Opcode.CONT, b"x").serialize(mask=False), "breaks the WebSocket protocol"),
        (Frame(Opcode.BINARY, bytes(9), False).serialize(mask=False) * 2, "breaks the WebSocket protocol"),
        (
            Frame(Opcode.BINARY, b"", False).serialize(mask=False)
            + Frame(Opcode.CONT, bytes(1 << 20), False).serialize(mask=False) * 2,
            "sends a message of more than",
        ),
        (Frame(Opcode.CLOSE, b"\x03\xe9moved").serialize(mask=False), "closed the connection: moved"),
        (b"\x82\x7e\xff\xff" + bytes(100), "closed the connection"),
    ],
)
def test_frames_that_no_honest_server_sends(wire: bytes, says: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await raw_session(reader, writer)
        await reader.read(1)
        writer.write(wire)
        await asyncio.sleep(0.05)
        writer.close()

    async def test() -> None:
        async with raw_server(handle) as port:
            error = await failure(f"ws://127.0.0.1:{port}/x.lfv")
        assert isinstance(error, StreamError) and error.code == ""
        assert says in str(error)

    run(test)


def test_fragments_are_put_together(tiny: Path) -> None:
    show = MemoryShow()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = await raw_session(reader, writer)
        await reader.read(1)
        for message in (encode_message(Welcome(1, "x", ("live",), False, len(show.front))), front_part(show)):
            protocol.send_binary(message[:7], fin=False)
            protocol.send_ping(b"in between")
            protocol.send_continuation(message[7:900], fin=False)
            protocol.send_continuation(message[900:], fin=True)
        writer.write(b"".join(protocol.data_to_send()))
        await reader.read()

    async def test() -> None:
        async with raw_server(handle) as port, opened(f"ws://127.0.0.1:{port}/x.lfv"):
            pass

    run(test)


def test_pings_that_are_answered_to_deaf_ears_end_the_link() -> None:
    """Answers pile up on this side where the server does not read them."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await raw_session(reader, writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        pings = Frame(Opcode.PING, bytes(125)).serialize(mask=False) * 4000
        for _ in range(100):
            writer.write(pings)
            await writer.drain()

    async def test() -> None:
        async with raw_server(handle) as port:
            error = await failure(f"ws://127.0.0.1:{port}/x.lfv")
        assert "sends a lot that is no message" in str(error)

    run(test)


def test_through_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A show on another machine; this machine's own shows need none."""
    asked: list[bytes] = []
    show = MemoryShow([(300_000, 1)])
    port = 0

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async def test() -> None:
        nonlocal port
        async with scripted("ws", honest(show)) as url:
            port = int(url.split(":")[2].split("/")[0])
            async with raw_server(proxy) as proxy_port:
                monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy_port}")
                monkeypatch.delenv("no_proxy", raising=False)
                assert await fetched(url) == {0: show.segment(0, 0)}
                assert asked == []
                assert await fetched("ws://show.example/tiny.lfv") == {0: show.segment(0, 0)}
                assert asked[0].startswith(b"CONNECT show.example:80 ")

    run(test)


def test_a_proxy_that_needs_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ws_proxy", "socks5h://127.0.0.1:9")

    async def test() -> None:
        error = await failure("ws://show.example/x.lfv")
        assert isinstance(error, MissingExtraError) and "python-socks" in str(error)

    run(test)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("a.localhost", True), ("127.3.2.1", True), ("::1", True), ("10.0.0.1", False), ("h", False)],
)
def test_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
