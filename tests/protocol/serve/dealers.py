"""A ZeroMQ port in a thread of its own; clients of it: a DEALER, and a bare socket that speaks as much as it must."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import zmq

from protocol.serve.live import Follower, LiveShow
from protocol.serve.metrics import Metrics
from protocol.serve.shelf import Place, Shelf, open_static
from protocol.serve.zeromq import ZeromqConfig, ZeromqServer
from tests.protocol.serve.running import CREDIT, Player

T = TypeVar("T")
QUICK = ZeromqConfig(handshake_s=0.6, hello_s=0.8, stall_s=1.0, linger_s=0.3, sweep_s=0.05)


@dataclass(frozen=True)
class RunningZeromq:
    """A server that runs on a loop of another thread."""

    server: ZeromqServer
    metrics: Metrics
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.server.port

    def ask(self, question: Callable[[ZeromqServer], T]) -> T:
        """What `question` says of the server, on its own thread."""

        async def answered() -> T:
            return question(self.server)

        return asyncio.run_coroutine_threadsafe(answered(), self.loop).result(10)

    def count(self, counter: str, key: str = "zeromq") -> int:
        """What a counter of the metrics says."""
        return self.ask(lambda _: getattr(self.metrics, counter)[key])

    def drain(self, seconds: float) -> bool:
        return asyncio.run_coroutine_threadsafe(self.server.drain(seconds), self.loop).result(seconds + 10)


@contextmanager
def zeromq_of(
    *paths: Path, live: bool = False, token: str = "", config: ZeromqConfig = QUICK
) -> Iterator[RunningZeromq]:
    """A server of shows, until the block ends. Fails where anything was raised on its loop that nobody handles."""
    started: list[RunningZeromq] = []
    failed: list[BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()

    def unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failed.append(context.get("exception") or RuntimeError(context["message"]))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(unhandled)
        shelf, metrics = Shelf(token=token), Metrics()
        lives = [LiveShow(path) for path in paths] if live else []
        places: list[Place] = [*lives] if live else [open_static(path) for path in paths]
        for place in places:
            shelf.add(place)
        follower = Follower(lives)
        server = ZeromqServer(shelf, metrics, config)
        try:
            await server.start()
            follower.start()
            started.append(RunningZeromq(server, metrics, loop))
            ready.set()
            await stop.wait()
        finally:
            follower.stop()
            await server.close()
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


class Dealer:
    """A DEALER with the methods of a blocking WebSocket."""

    def __init__(self, dealer: zmq.Socket[bytes]) -> None:
        self.socket = dealer

    def send(self, message: bytes) -> None:
        # A connection that was refused leaves nobody to send to, and there is no other: that would wait for ever.
        if not self.socket.poll(5000, zmq.POLLOUT):
            raise TimeoutError
        self.socket.send(message)

    def recv(self, timeout: float) -> bytes:
        if not self.socket.poll(round(1000 * timeout)):
            raise TimeoutError
        return self.socket.recv()


@contextmanager
def dealer(port: int, *, server_key: str = "", host: str = "127.0.0.1") -> Iterator[Dealer]:
    """Connected, or about to be. It does not connect again."""
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        found = stack.enter_context(context.socket(zmq.DEALER))
        found.setsockopt(zmq.LINGER, 0)
        found.setsockopt(zmq.RECONNECT_IVL, -1)
        found.setsockopt(zmq.IPV6, 1)
        if server_key:
            found.curve_publickey, found.curve_secretkey = zmq.curve_keypair()
            found.curve_serverkey = server_key.encode()
        found.connect(f"tcp://{host}:{port}")
        yield Dealer(found)


@contextmanager
def zeromq_player(
    port: int, show: str, *, token: str = "", credit: int = CREDIT, server_key: str = ""
) -> Iterator[Player]:
    """A session over ZeroMQ."""
    with dealer(port, server_key=server_key) as wire:
        yield Player(wire, show, token=token, credit=credit)  # type: ignore[arg-type]


def frame(data: bytes, *, more: bool = False) -> bytes:
    """ZMTP's frame."""
    if len(data) < 256:
        return bytes([more, len(data)]) + data
    return struct.pack(">BQ", 2 + more, len(data)) + data


@contextmanager
def bare(port: int, *, handshake: bool = True) -> Iterator[socket.socket]:
    """A TCP connection that says it is a DEALER: ZMTP 3.1 without encryption."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        if handshake:
            raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32))
            ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
            raw.sendall(bytes([4, len(ready)]) + ready)
            received = b""
            while len(received) < 66 or len(received) < 66 + received[65]:
                received += raw.recv(1024)
        yield raw


def closed(raw: socket.socket, seconds: float) -> bool:
    """The other end closes within so many seconds, whatever it says before."""
    raw.settimeout(seconds)
    try:
        while raw.recv(1 << 20):
            continue
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True
