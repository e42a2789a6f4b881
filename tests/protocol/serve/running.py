"""A server in a thread of its own, and a client of its sessions, for tests with real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from protocol.container import check_segment
from protocol.serve.connection import Deadlines
from protocol.serve.server import ServeConfig, Server, serving
from protocol.serve.shelf import Shelf, open_static
from protocol.session.client import Arrived, ClientSession, Ended, Event, Opened
from protocol.session.messages import Message, encode_message

T = TypeVar("T")
CREDIT = 1 << 20
QUICK = Deadlines(request_s=0.6, message_s=0.6, idle_s=1.0, stall_s=1.0, linger_s=0.5, sweep_s=0.05)


@dataclass(frozen=True)
class Running:
    """A server that runs on a loop of another thread."""

    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.server.port

    def ask(self, question: Callable[[Server], T]) -> T:
        """What `question` says of the server, on its own thread."""

        async def answered() -> T:
            return question(self.server)

        return asyncio.run_coroutine_threadsafe(answered(), self.loop).result(10)

    def drain(self, seconds: float) -> bool:
        return asyncio.run_coroutine_threadsafe(self.server.drain(seconds), self.loop).result(seconds + 10)

    def http(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextmanager
def running(*paths: Path, token: str = "", config: ServeConfig | None = None) -> Iterator[Running]:
    """A server of shows, until the block ends. Fails where anything was raised on its loop that nobody handles."""
    started: list[Running] = []
    failed: list[BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()

    def unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failed.append(context.get("exception") or RuntimeError(context["message"]))

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(unhandled)
        shelf = Shelf(token=token)
        try:
            for path in paths:
                shelf.add(open_static(path))
            async with serving(shelf, config) as server:
                started.append(Running(server, asyncio.get_running_loop()))
                ready.set()
                await stop.wait()
        finally:
            shelf.close()

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(10)
    try:
        if not started:
            raise failed[0]
        yield started[0]
    finally:
        if started:
            started[0].loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    assert not failed, failed


def get(
    http: HTTPConnection, target: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[HTTPResponse, bytes]:
    """One request on a connection that stays."""
    http.request(method, target, headers=headers or {})
    response = http.getresponse()
    return response, response.read()


@contextmanager
def raw_websocket(server: Running) -> Iterator[socket.socket]:
    """A socket on which the handshake is done, for clients that misbehave."""
    with server.socket() as raw:
        raw.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += raw.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")
        yield raw


def framed(message: Message) -> bytes:
    """A client's message as it goes over a raw WebSocket."""
    return Frame(Opcode.BINARY, encode_message(message)).serialize(mask=True)


def wait_until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Player:
    """A session over the websockets library's own client."""

    def __init__(self, wire: ClientConnection, show: str, *, token: str = "", credit: int = CREDIT) -> None:
        self.wire = wire
        self.session = ClientSession(show=show, token=token, agent="test", credit=credit)
        self.credit = credit
        self.opened: Opened | None = None

    def step(self, *, grant: bool = True) -> list[Event]:
        """Send what waits, take one message. Raises what the session or the wire says."""
        with suppress(ConnectionClosed):  # what came before the end is still to be read
            while self.session.outgoing:
                self.wire.send(self.session.outgoing.popleft())
        message = self.wire.recv(timeout=10)
        assert isinstance(message, bytes)
        events = self.session.receive(message)
        if grant and self.session.granted <= self.credit // 2:
            self.session.grant(self.credit - self.session.granted)
        return events

    def open(self) -> Opened:
        """Wait for the show."""
        while self.opened is None:
            self.opened = next((e for e in self.step() if isinstance(e, Opened)), None)
        return self.opened

    def play(self, time: Fraction | None = Fraction(0), *, rung: int = 0) -> list[Arrived]:
        """All segments from `time` to the end, checked."""
        self.open()
        self.session.subscribe(time, rung=rung)
        arrived: list[Arrived] = []
        while True:
            for event in self.step():
                if isinstance(event, Arrived):
                    check_segment(self.session.index, event.chunk, event.rung, event.data)
                    arrived.append(event)
                if isinstance(event, Ended):
                    return arrived


@contextmanager
def player(
    port: int,
    show: str,
    *,
    token: str = "",
    origin: str | None = None,
    tls: ssl.SSLContext | None = None,
    credit: int = CREDIT,
) -> Iterator[Player]:
    """A session with a server on this machine."""
    address = f"ws{'s' if tls else ''}://127.0.0.1:{port}/{quote(show)}.lfv"
    with connect(address, compression=None, max_size=None, origin=origin, ssl=tls) as wire:  # type: ignore[arg-type]
        yield Player(wire, show, token=token, credit=credit)
