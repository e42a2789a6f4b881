"""Sessions over WebSocket, played by the websockets library's client: shows arrive whole, refusals in words."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from protocol import limits
from protocol.errors import StreamError
from protocol.serve.connection import Deadlines
from protocol.serve.server import ServeConfig
from protocol.serve.websocket import frame_head
from protocol.session.client import Arrived, ClientSession, Ended, Left, Opened
from protocol.session.messages import Error, Hello, Subscribe, decode_message, encode_message
from tests.protocol.serve.running import QUICK, Player, framed, get, player, raw_websocket, running, wait_until


def refused(port: int, show: str = "tiny", *, token: str = "") -> tuple[StreamError, ConnectionClosed]:
    """What a session is told, and how the connection ends."""
    with player(port, show, token=token) as client:
        with pytest.raises(StreamError) as told:
            client.open()
        with pytest.raises(ConnectionClosed) as closed:
            client.wire.recv(timeout=5)
        return told.value, closed.value


@pytest.mark.parametrize("rung", [0, 1])
def test_a_show_arrives_whole(show: Path, rung: int) -> None:
    with running(show) as server, player(server.port, "tiny") as client:
        arrived = client.play(rung=rung)
        data, index = show.read_bytes(), client.session.index
        assert [a.chunk for a in arrived] == [0, 1, 2]
        for a in arrived:
            entry = index.chunks[a.chunk].segments[rung]
            assert a.data == data[entry.offset : entry.end]


def test_large_segments_in_parts_and_a_seek(big_show: Path) -> None:
    with running(big_show) as server, player(server.port, "big", credit=4 << 20) as client:
        index = client.open().index
        client.session.subscribe(Fraction(0), rung=0)
        for _ in range(3):
            client.step()
        arrived = client.play(index.chunks[2].start)
        assert [a.chunk for a in arrived] == [2, 3]
        assert server.ask(lambda s: s.metrics.segments["websocket"]) >= 2


def test_a_client_without_credit_gets_nothing(big_show: Path) -> None:
    with running(big_show) as server, player(server.port, "big", credit=100_000) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        with pytest.raises(TimeoutError):
            while True:
                while client.session.outgoing:
                    client.wire.send(client.session.outgoing.popleft())
                message = client.wire.recv(timeout=0.3)
                assert isinstance(message, bytes)
                client.session.receive(message)  # raises where more comes than was granted
        assert 0 <= client.session.granted < limits.MIN_PART_BYTES


def test_many_clients_of_many_shows(show: Path, big_show: Path) -> None:
    async def one(port: int, name: str) -> int:
        async with connect_async(f"ws://127.0.0.1:{port}/{name}.lfv", compression=None, max_size=None) as wire:
            session = ClientSession(show=name, token="", agent="t", credit=1 << 20)
            count = 0
            while True:
                while session.outgoing:
                    await wire.send(session.outgoing.popleft())
                message = await wire.recv()
                assert isinstance(message, bytes)
                for event in session.receive(message):
                    if isinstance(event, Opened):
                        session.subscribe(Fraction(0), rung=0)
                    elif isinstance(event, Arrived):
                        count += len(event.data)
                    elif isinstance(event, Ended):
                        return count
                if session.granted < 1 << 19:
                    session.grant(1 << 19)

    async def all_of_them(port: int) -> list[int]:
        names = ["tiny", "tiny", "tiny", "big"] * 5
        return await asyncio.gather(*(one(port, name) for name in names))

    with running(show, big_show) as server:
        counts = asyncio.run(all_of_them(server.port))
        assert len(set(counts)) == 2 and min(counts) > 0
        assert server.ask(lambda s: sum(s.metrics.errors.values())) == 0


def test_unknown_show(show: Path, big_show: Path) -> None:
    with running(show, big_show) as server:
        told, closed = refused(server.port, "none")
        assert told.code == "show" and "no show 'none' here; there is tiny, big" in str(told)
        assert closed.rcvd is not None and closed.rcvd.code == 1008 and "no show" in closed.rcvd.reason


@pytest.mark.parametrize(
    ("token", "words"), [("", "wants a token"), ("guess", "wrong token"), ("é" * 300, "wrong token")]
)
def test_token(show: Path, token: str, words: str) -> None:
    with running(show, token="s3cret") as server:
        told, closed = refused(server.port, token=token)
        assert told.code == "token" and words in str(told)
        assert closed.rcvd is not None and closed.rcvd.code == 1008
        with player(server.port, "tiny", token="s3cret") as client:
            assert len(client.play()) == 3


def test_version_from_the_future(show: Path) -> None:
    with running(show) as server, connect(f"ws://127.0.0.1:{server.port}/x", compression=None) as wire:
        wire.send(encode_message(Hello((7, 8), "tiny", "", "future", (), 0)))
        answer = wire.recv(timeout=5)
        assert isinstance(answer, bytes)
        told = decode_message(answer)
        assert isinstance(told, Error) and told.code == "version" and "7, 8" in told.message
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("origin", "words"), [("https://evil.example", "https://evil.example"), ("http://127.0.0.1", "http://127.0.0.1")]
)
def test_foreign_origin(show: Path, origin: str, words: str) -> None:
    with running(show) as server, pytest.raises(InvalidStatus) as refusal, player(server.port, "tiny", origin=origin):
        pass
    assert refusal.value.response.status_code == 403
    assert words in (refusal.value.response.body or b"").decode()


def test_known_origins(show: Path) -> None:
    with running(show, config=ServeConfig(origins=("https://app.example",))) as server:
        for origin in ("https://app.example", f"http://127.0.0.1:{server.port}"):
            with player(server.port, "tiny", origin=origin) as client:
                assert len(client.play()) == 3


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("hello", 1008, "binary"),
        (b"\x00", 1008, "message"),
        (b"\xc1" + bytes(40), 1008, "message"),
        (b"x" * (limits.MAX_MESSAGE_BYTES + 1), 1009, ""),
    ],
)
def test_nonsense_is_answered_in_words(show: Path, message: str | bytes, code: int, words: str) -> None:
    with running(show) as server, connect(f"ws://127.0.0.1:{server.port}/tiny.lfv", compression=None) as wire:
        wire.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(3):
                wire.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == code
        assert words in closed.value.rcvd.reason


def test_fragments_make_a_message(show: Path) -> None:
    with running(show) as server, connect(f"ws://127.0.0.1:{server.port}/", compression=None) as wire:
        hello = encode_message(Hello((1,), "tiny", "", "in pieces", (), 1 << 20))
        wire.send([hello[:5], hello[5:6], b"", hello[6:]])
        answer = wire.recv(timeout=5)
        assert isinstance(answer, bytes) and type(decode_message(answer)).__name__ == "Welcome"
        wire.ping().wait(5)


def test_a_flood_of_frames_ends(show: Path) -> None:
    with running(show) as server, raw_websocket(server) as raw:
        received = b""
        try:
            raw.sendall(b"\x89\x80\x00\x00\x00\x00" * 200_000)
            while data := raw.recv(65536):
                received += data
        except ConnectionError:
            pass
        assert b"frames a second" in received
        assert received.count(b"\x8a\x00") < 3 * limits.MAX_MESSAGES_PER_S


@pytest.mark.parametrize(
    "broken", ["Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: short", "Connection: keep-alive"], ids=lambda b: b[:20]
)
def test_handshakes_that_are_none(show: Path, broken: str) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    name, _, value = broken.partition(": ")
    with running(show) as server:
        http = server.http()
        response, body = get(http, "/tiny.lfv", {**headers, name: value})
        assert response.status in (400, 426) and b"WebSocket" in body
        http.close()


def test_too_many_clients(show: Path) -> None:
    with running(show, config=ServeConfig(max_clients=2)) as server:
        with player(server.port, "tiny") as one, player(server.port, "tiny") as two:
            one.open()
            two.open()
            told, closed = refused(server.port)
            assert told.code == "" and "2 clients" in str(told)
            assert closed.rcvd is not None and closed.rcvd.code == 1013
            http = server.http()
            response, body = get(http, "/tiny.lfv")
            assert response.status == 503 and b"2 clients" in body and "Retry-After" in response.headers
            http.close()
            assert len(one.play()) == 3
        wait_until(lambda: not server.ask(lambda s: len(s.house.connections)))
        with player(server.port, "tiny") as client:
            assert len(client.play()) == 3


def test_a_reader_that_stops_harms_nobody(big_show: Path, show: Path) -> None:
    deadlines = Deadlines(stall_s=1.0, sweep_s=0.05)
    with running(big_show, show, config=ServeConfig(deadlines=deadlines)) as server, raw_websocket(server) as stopped:
        stopped.sendall(framed(Hello((1,), "big", "", "stopped", (), limits.MAX_CREDIT_BYTES)))
        stopped.sendall(framed(Subscribe(1, Fraction(0), 0)))
        wait_until(lambda: server.ask(lambda s: any(c.outlet.full for c in s.house.connections)))
        with player(server.port, "tiny") as other:
            for _ in range(5):
                assert len(other.play()) == 3
        wait_until(lambda: server.ask(lambda s: s.metrics.refused["stalled"]) == 1)


def test_a_reader_that_stops_is_cut(big_show: Path) -> None:
    deadlines = Deadlines(stall_s=0.8, sweep_s=0.05)
    with running(big_show, config=ServeConfig(deadlines=deadlines)) as server, server.socket() as raw:
        raw.sendall(b"GET /big.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        begun = time.monotonic()
        wait_until(lambda: server.ask(lambda s: s.metrics.refused["stalled"]) == 1)
        assert 0.5 < time.monotonic() - begun < 8
        assert server.ask(lambda s: max([c.outlet.backlog for c in s.house.connections], default=0)) == 0


def test_byte_by_byte(show: Path) -> None:
    """A message whose bytes come one at a time is cut off after its time, although something always comes."""
    with running(show, config=ServeConfig(deadlines=QUICK)) as server, raw_websocket(server) as raw:
        raw.settimeout(0.05)
        begun, received = time.monotonic(), b""
        frame = b"\x82\xfe\x10\x00" + bytes(4100)
        for byte in frame:
            try:
                raw.sendall(bytes([byte]))
                data = raw.recv(4096)
                received += data
                if not data:
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - begun < 5
        assert b"did not end within" in received


def test_drain_finishes_the_segment(big_show: Path) -> None:
    with running(big_show) as server, player(server.port, "big", credit=1 << 20) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        for _ in range(2):
            client.step()
        pending = asyncio.run_coroutine_threadsafe(server.server.drain(10), server.loop)
        arrived = left_after(client)
        assert [a.chunk for a in arrived] == [0]
        with pytest.raises(ConnectionClosed) as closed:
            client.wire.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
        assert pending.result(10) is True


def test_drain_does_not_wait_for_ever(big_show: Path) -> None:
    with running(big_show) as server, player(server.port, "big", credit=1 << 20) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        client.step(grant=False)
        begun = time.monotonic()
        assert server.drain(0.5) is False
        assert time.monotonic() - begun < 6


def test_health_while_draining(big_show: Path) -> None:
    with running(big_show) as server, player(server.port, "big", credit=1 << 20) as client:
        http = server.http()
        assert get(http, "/health")[0].status == 200
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        client.step(grant=False)
        pending = asyncio.run_coroutine_threadsafe(server.server.drain(10), server.loop)
        wait_until(lambda: server.ask(lambda s: s.house.draining))
        response, body = get(http, "/health")
        assert response.status == 503 and b"draining" in body
        response, _ = get(http, "/big.lfv")
        assert response.status == 503
        http.close()
        left_after(client)
        client.wire.close()
        assert pending.result(10) is True


def test_frame_heads() -> None:
    for length in (0, 1, 125, 126, 65535, 65536, 1 << 20):
        data = bytes(length)
        assert frame_head(length) + data == Frame(Opcode.BINARY, data).serialize(mask=False)


def left_after(client: Player) -> list[Arrived]:
    """What still arrives until the server says goodbye."""
    arrived: list[Arrived] = []
    while True:
        for event in client.step():
            if isinstance(event, Arrived):
                arrived.append(event)
            if isinstance(event, Left):
                return arrived


def test_idle_clients_cost_no_task(show: Path) -> None:
    with running(show) as server, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.socket())
            stack.enter_context(raw_websocket(server)).sendall(framed(Hello((1,), "tiny", "", "idle", (), 1 << 20)))
        wait_until(lambda: server.ask(lambda s: s.metrics.sessions["websocket"]) == 20)
        assert asyncio.run_coroutine_threadsafe(_count_tasks(), server.loop).result(5) <= 2


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())
