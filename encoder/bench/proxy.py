"""A TCP proxy that behaves like a bad network: rate, delay, jitter, outages. For any protocol over TCP.

What it models, each direction on its own: all connections share one line of the given rate, a piece of a few
milliseconds each in turn; then the bytes are on their way for the delay. What is sent faster than the line waits in
front of it, in a queue of about 64 KiB a connection (the proxy's receive buffer), after which TCP pushes back on the
sender as it would on a real path: there is no hidden buffer; at most the queue and what a round trip holds are kept
here. A connection costs a round trip before its first byte, and starts slowly (RFC 6928: 10 segments, doubled every
round trip). Single packets are not lost: loss is seen as TCP shows it, as freezes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator

from encoder.bench.impairment import Impairment
from encoder.bench.line import QUEUE_BYTES, SEGMENT_BYTES, Line, run_together


class Proxy:
    """Listens on loopback and forwards to one server. Made by `open_proxy` or `proxy_in_thread`."""

    def __init__(self, host: str, port: int, impairment: Impairment) -> None:
        """Prepare.

        Args:
            host, port: of the server.
            impairment: its clock starts with the proxy; `impair` sets another.
        """
        self._target = (host, port)
        self._impairment = impairment
        self._lines: tuple[Line, ...] = ()
        self._reserved: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._schedule: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.connections = 0

    @property
    def port(self) -> int:
        """Where clients connect to on 127.0.0.1."""
        assert self._reserved is not None
        return int(self._reserved.getsockname()[1])

    @property
    def carried(self) -> tuple[int, int]:
        """Bytes that have left for the server, and for the clients."""
        return self._lines[0].carried, self._lines[1].carried

    def impair(self, impairment: Impairment) -> None:
        """From now on this is what is wrong; its second 0 is now. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._impair, impairment)

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        # Bound but not listening: it keeps the port for us while connections are refused.
        self._reserved = _bound(0)
        self._lines = tuple(Line(direction) for direction in (0, 1))
        self._impair(self._impairment)

    async def close(self) -> None:
        tasks = [task for task in (self._schedule, self._listening, *self._connections) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._reserved is not None:
            self._reserved.close()

    def _impair(self, impairment: Impairment) -> None:
        self._impairment = impairment
        started = self._loop.time()
        for line in self._lines:
            line.impair(impairment, started)
        if self._schedule is not None:
            self._schedule.cancel()
        self._listen()
        resets = sorted((o.start_s, o.end_s) for o in impairment.outages if o.kind == "reset")
        self._schedule = self._loop.create_task(self._reset([(started + a, started + b) for a, b in resets]))

    async def _reset(self, spans: list[tuple[float, float]]) -> None:
        """Tear connections down and refuse new ones in each span of the loop's time."""
        for start, end in spans:
            await asyncio.sleep(start - self._loop.time())
            if self._listening is not None:
                self._listening.cancel()
                self._listening = None
            for connection in self._connections:
                connection.cancel()
            await asyncio.sleep(end - self._loop.time())
            self._listen()

    def _listen(self) -> None:
        if self._listening is None:
            listener = _bound(self.port)
            listener.listen(1024)
            self._listening = self._loop.create_task(self._accept(listener))

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                client, _ = await self._loop.sock_accept(listener)
                self.connections += 1
                task = self._loop.create_task(self._connect(client))
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

    async def _connect(self, client: socket.socket) -> None:
        upstream = _socket()
        up, down = self._lines
        opened = self._loop.time()
        try:
            with contextlib.suppress(OSError):
                await up.resumed(opened)
                await asyncio.sleep(2 * self._impairment.delay_s)
                await self._loop.sock_connect(upstream, self._target)
                forward = self._loop.create_task(up.carry(client, upstream, opened))
                back = self._loop.create_task(down.carry(upstream, client, opened))
                await run_together(forward, back)
                return
            _forget(client, upstream)
        except asyncio.CancelledError:
            _forget(client, upstream)
            raise
        finally:
            client.close()
            upstream.close()


@contextlib.asynccontextmanager
async def open_proxy(port: int, impairment: Impairment, *, host: str = "127.0.0.1") -> AsyncIterator[Proxy]:
    """A proxy in front of the server at `host`, `port`, on this loop.

    Raises:
        OSError: no port is free.
    """
    proxy = Proxy(host, port, impairment)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


@contextlib.contextmanager
def proxy_in_thread(port: int, impairment: Impairment, *, host: str = "127.0.0.1") -> Iterator[Proxy]:
    """As `open_proxy`, for callers without a loop: it runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    proxy = Proxy(host, port, impairment)
    thread = threading.Thread(target=loop.run_forever, name="lfv-proxy", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.open(), loop).result()
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _socket() -> socket.socket:
    out = socket.socket()
    out.setblocking(False)
    out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    out.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        out.setsockopt(socket.SOL_SOCKET, option, QUEUE_BYTES // 2)  # the kernel doubles it
    return out


def _bound(port: int) -> socket.socket:
    out = _socket()
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    out.bind(("127.0.0.1", port))
    return out


def _forget(*sockets: socket.socket) -> None:
    """Closing them resets the connection rather than ending it in good order."""
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
