"""Whatever bytes come, the server answers or closes, keeps nothing, and goes on with the others."""

from __future__ import annotations

import socket
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from protocol import limits
from protocol.serve.server import ServeConfig
from protocol.session.messages import Credit, Hello, Subscribe, Switch, encode_message
from tests.protocol.serve.running import QUICK, Running, framed, get, player, raw_websocket, running, wait_until

LINES = st.sampled_from(
    [
        b"GET /tiny.lfv HTTP/1.1\r\n",
        b"GET /shows HTTP/1.1\r\n",
        b"HEAD / HTTP/1.0\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"Host: localhost\r\n",
        b"Range: bytes=0-9\r\n",
        b"Connection: Upgrade\r\n",
        b"Upgrade: websocket\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        b"Content-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"\r\n",
    ]
)
MESSAGES = st.sampled_from(
    [
        encode_message(Hello((1,), "tiny", "", "x", (), 1 << 20)),
        encode_message(Subscribe(1, None, 0)),
        encode_message(Switch(1, 1)),
        encode_message(Credit(1 << 20)),
    ]
)


def send_and_leave(raw: socket.socket, data: bytes, *, reset: bool) -> None:
    """Send, take what comes at once, go away, with a reset or without."""
    raw.settimeout(0.02)
    try:
        raw.sendall(data)
        while raw.recv(65536):
            pass
    except (TimeoutError, ConnectionError):
        pass
    if reset:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def check_well(server: Running) -> None:
    """Nobody is left, and a new client is served."""
    wait_until(lambda: not server.ask(lambda s: len(s.house.connections)))
    assert not server.ask(lambda s: +s.metrics.sessions) and not server.ask(lambda s: s.house.by_address)
    with player(server.port, "tiny") as client:
        assert len(client.play()) == 3
    http = server.http()
    assert get(http, "/health")[0].status == 200
    http.close()


def test_any_bytes(show: Path) -> None:
    with running(show, config=ServeConfig(deadlines=QUICK)) as server:

        @given(st.lists(st.one_of(LINES, st.binary(max_size=30)), max_size=12), st.booleans())
        def check(pieces: list[bytes], reset: bool) -> None:
            with server.socket() as raw:
                send_and_leave(raw, b"".join(pieces), reset=reset)

        check()
        check_well(server)


def test_any_frames(show: Path) -> None:
    first = st.one_of(st.sampled_from([0x82, 0x02, 0x80, 0x00, 0x81, 0x88, 0x89, 0x8A]), st.integers(0, 255))
    payloads = st.one_of(MESSAGES, st.binary(max_size=125))
    # The mask is zero, so that the payload is as it stands.
    frames = st.builds(lambda head, data: bytes([head, 0x80 | len(data), 0, 0, 0, 0]) + data, first, payloads)

    with running(show, config=ServeConfig(deadlines=QUICK)) as server:

        @given(st.lists(st.one_of(frames, st.binary(max_size=20)), max_size=8), st.booleans())
        def check(pieces: list[bytes], reset: bool) -> None:
            with raw_websocket(server) as raw:
                send_and_leave(raw, b"".join(pieces), reset=reset)

        check()
        check_well(server)


def test_mutated_sessions(show: Path) -> None:
    """Messages in their right frames, with bytes changed, in any order."""
    with running(show, config=ServeConfig(deadlines=QUICK)) as server:

        @settings(max_examples=80)
        @given(st.lists(st.tuples(MESSAGES, st.integers(0, 200), st.integers(0, 255)), max_size=6), st.booleans())
        def check(changes: list[tuple[bytes, int, int]], reset: bool) -> None:
            with raw_websocket(server) as raw:
                sent = b""
                for message, where, value in changes:
                    changed = bytearray(message)
                    if where < len(changed):
                        changed[where] = value
                    sent += Frame(Opcode.BINARY, bytes(changed)).serialize(mask=True)
                send_and_leave(raw, sent, reset=reset)

        check()
        check_well(server)


def test_frames_of_gigabytes(show: Path) -> None:
    with running(show) as server, raw_websocket(server) as raw:
        raw.sendall(b"\x82\xff" + struct.pack("!Q", 1 << 33) + bytes(4) + bytes(100))
        received = b""
        while data := raw.recv(65536):
            received += data
        assert struct.pack("!H", 1009) in received
        raw.close()
        check_well(server)


@pytest.mark.parametrize("how", ["close", "reset", "shutdown"])
def test_clients_that_go_away_in_the_middle(big_show: Path, show: Path, how: str) -> None:
    def go(raw: socket.socket) -> None:
        raw.recv(1000)
        if how == "reset":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "shutdown":
            raw.shutdown(socket.SHUT_RDWR)

    with running(big_show, show) as server:
        for _ in range(10):
            with server.socket() as raw:
                raw.sendall(b"GET /big.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n")
                go(raw)
            with raw_websocket(server) as raw:
                raw.sendall(framed(Hello((1,), "big", "", "gone", (), limits.MAX_CREDIT_BYTES)))
                raw.sendall(framed(Subscribe(1, Fraction(0), 0)))
                go(raw)
        check_well(server)
