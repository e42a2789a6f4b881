"""Whoever is slow on purpose is cut in time; whoever is only idle may be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from protocol.serve.connection import Deadlines
from protocol.serve.server import ServeConfig
from protocol.session.client import Opened
from tests.protocol.serve.running import QUICK, Running, get, player, raw_websocket, running, wait_until

LATEST_S = 5.0  # a loaded machine is slow itself


def trickle(server: Running, data: bytes, *, every_s: float = 0.05) -> tuple[bytes, float]:
    """Send one byte after the other until the server ends it -> what it said, after how long."""
    with server.socket() as raw:
        raw.settimeout(every_s)
        begun, received = time.monotonic(), b""
        for byte in data:
            try:
                raw.sendall(bytes([byte]))
                more = raw.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            received += more
            if not more:
                break
        return received, time.monotonic() - begun


def test_request_byte_by_byte(show: Path) -> None:
    with running(show, config=ServeConfig(deadlines=QUICK)) as server:
        received, seconds = trickle(server, b"GET /tiny.lfv HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1000)
        assert received.startswith(b"HTTP/1.1 408 ") and b"did not end within" in received
        assert 0.3 < seconds < LATEST_S


def test_second_request_byte_by_byte(show: Path) -> None:
    """The time of a request begins with its first byte, not with the connection."""
    with running(show, config=ServeConfig(deadlines=QUICK)) as server:
        first = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with server.socket() as raw:
            raw.sendall(first)
            time.sleep(0.5)
            raw.sendall(first)
            assert raw.recv(65536).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.1)
            raw.sendall(first[:10])
            received = b""
            while data := raw.recv(65536):
                received += data
            assert b"HTTP/1.1 408 " in received


def test_connection_that_says_nothing(show: Path) -> None:
    with running(show, config=ServeConfig(deadlines=QUICK)) as server, server.socket() as raw:
        begun = time.monotonic()
        assert raw.recv(65536) == b""
        assert 0.3 < time.monotonic() - begun < LATEST_S


def test_idle_connection_is_closed_later(show: Path) -> None:
    with running(show, config=ServeConfig(deadlines=QUICK)) as server, server.socket() as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 200 ")
        begun = time.monotonic()
        assert raw.recv(65536) == b""
        assert 0.7 < time.monotonic() - begun < LATEST_S


def test_client_that_does_not_close(show: Path) -> None:
    """After the last word the server waits a little, then closes itself."""
    with running(show, config=ServeConfig(deadlines=QUICK)) as server, server.socket() as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        wait_until(lambda: server.ask(lambda s: s.metrics.accepted["http"]))
        wait_until(lambda: not server.ask(lambda s: len(s.house.connections)), LATEST_S)


def test_slow_reader_is_not_cut(big_show: Path) -> None:
    """Little by little is not standing still."""
    data = big_show.read_bytes()
    with running(big_show, config=ServeConfig(deadlines=Deadlines(stall_s=0.8, sweep_s=0.05))) as server:
        with server.socket() as raw:
            raw.sendall(b"GET /big.lfv HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-19999999\r\n\r\n")
            received = bytearray()
            begun = time.monotonic()
            while b"\r\n\r\n" not in received or len(received) - received.index(b"\r\n\r\n") - 4 < 20_000_000:
                piece = raw.recv(400_000)
                assert piece
                received += piece
                if time.monotonic() - begun < 3.0:
                    time.sleep(0.05)
            assert received.partition(b"\r\n\r\n")[2] == data[:20_000_000]
        assert server.ask(lambda s: s.metrics.refused["stalled"]) == 0


def test_questions_without_reading_answers(big_show: Path) -> None:
    """Requests are left unread while their answers are; the client is cut for standing still."""
    with running(big_show, config=ServeConfig(deadlines=QUICK)) as server, server.socket() as raw:
        raw.settimeout(0.3)
        one = b"GET /big.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with pytest.raises((TimeoutError, ConnectionError)):
            for _ in range(100_000):
                raw.sendall(1000 * one)
        wait_until(lambda: server.ask(lambda s: s.metrics.refused["stalled"]) == 1, LATEST_S)


def test_session_without_a_hello(show: Path) -> None:
    with running(show, config=ServeConfig(deadlines=QUICK)) as server, raw_websocket(server) as raw:
        begun, received = time.monotonic(), b""
        while data := raw.recv(65536):
            received += data
        assert b"did not end within" in received
        assert 0.3 < time.monotonic() - begun < LATEST_S


def test_nobody_slow_stays_for_ten_seconds() -> None:
    """The sum of what one is granted at most; a second more than that is only that of the whole machine."""
    deadlines = Deadlines()
    assert max(deadlines.request_s, deadlines.message_s) + deadlines.linger_s + 2 * deadlines.sweep_s <= 10.0


def test_others_go_on(show: Path) -> None:
    """While many are slow, one is served as ever."""
    with running(show, config=ServeConfig(deadlines=QUICK)) as server:
        slow = [server.socket() for _ in range(20)]
        for raw in slow:
            raw.sendall(b"GET / HT")
        with player(server.port, "tiny") as client:
            assert isinstance(client.open(), Opened)
            assert len(client.play()) == 3
        http = server.http()
        assert get(http, "/health")[0].status == 200
        http.close()
        wait_until(lambda: server.ask(lambda s: s.metrics.refused["slow"]) == 20, LATEST_S)
        for raw in slow:
            raw.close()
