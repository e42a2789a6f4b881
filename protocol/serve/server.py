"""A server of shows: one port for HTTP and WebSocket, one loop, from its start to a clean end."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from protocol.errors import StorageError, UsageError
from protocol.serve.access import Access, is_local
from protocol.serve.connection import Connection, Deadlines, House
from protocol.serve.exchange import HttpHandler
from protocol.serve.http import Site
from protocol.serve.metrics import Metrics
from protocol.serve.script import Script
from protocol.serve.shelf import Shelf
from protocol.storage import reporting

if TYPE_CHECKING:
    from protocol.serve.curve import CurveKeys
    from protocol.serve.zeromq import ZeromqServer

_BACKLOG = 1024
_SHUTDOWN_S = 2.0  # for the other end's last word of TLS
_TURNS_OF_ACCEPT = 4  # of the loop, until a connection that was accepted before is known here
_LAST_WORDS_S = 3.0  # after a drain's time is over, for the goodbyes to arrive


@dataclass(frozen=True)
class ServeConfig:
    """Where a server listens and what it lets in.

    Attributes:
        port: 0 lets the system choose.
        origins: of browsers' pages besides the server's own; "*" for all.
        tls: certificate and key; None for plain TCP.
        max_clients, max_per_address: as in House; ZeroMQ counts its own.
        zmq_port: of ZeroMQ, 0 lets the system choose; None for no ZeroMQ.
        zmq_keys: for its encryption; None for none.
        script: the browser's player; None where it is not built.
    """

    host: str = "127.0.0.1"
    port: int = 0
    origins: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    max_clients: int = 1000
    max_per_address: int = 256
    zmq_port: int | None = None
    zmq_keys: CurveKeys | None = None
    script: Script | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def local(self) -> bool:
        """Only this machine can reach it."""
        return is_local(self.host)


class Server:
    """Delivers a shelf. `start`, then `drain` where there is time, then `close`."""

    def __init__(self, shelf: Shelf, config: ServeConfig) -> None:
        """Prepare. The shelf stays the caller's."""
        self.config = config
        self.metrics = Metrics()
        self.site = Site(
            shelf,
            Access(config.origins, config.local),
            self.metrics,
            secure=config.tls is not None,
            script=config.script,
        )
        self.house = House(self.site, config.deadlines, config.max_clients, config.max_per_address)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._zeromq: ZeromqServer | None = None
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def zmq_port(self) -> int | None:
        """Where ZeroMQ listens, None where it does not."""
        return self.site.zmq_port

    async def start(self) -> None:
        """Listen. Raises StorageError where an address is taken or is none of this machine's."""
        loop = asyncio.get_running_loop()
        secure = self.config.tls is not None
        try:
            self._server = await loop.create_server(
                lambda: Connection(self.house, HttpHandler),
                sock=_listening(self.config.host, self.config.port),
                backlog=_BACKLOG,
                ssl=self.config.tls,
                ssl_handshake_timeout=self.config.deadlines.request_s if secure else None,
                ssl_shutdown_timeout=_SHUTDOWN_S if secure else None,
            )
        except OSError as error:
            raise cannot_listen(self.config.host, self.config.port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._schedule()
        if self.config.zmq_port is not None:
            await self._start_zeromq(self.config.zmq_port)

    async def drain(self, seconds: float, *, enough: asyncio.Event | None = None) -> bool:
        """Take nothing new, end what is under way within `seconds` or until `enough` -> whether all of it ended."""
        loop = asyncio.get_running_loop()
        self.house.draining = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.house.connections):
            connection.handler.start_drain()
        under_way = [self._until_idle(loop.time() + seconds, enough)]
        if self._zeromq is not None:
            under_way.append(self._zeromq.drain(seconds, enough=enough))
        ended = all(await asyncio.gather(*under_way))
        for connection in list(self.house.connections):
            connection.handler.end_drain()
        if enough is None or not enough.is_set():
            await self._until_idle(loop.time() + _LAST_WORDS_S, enough)
        return ended

    async def close(self) -> None:
        """Cut what is still there and stop listening."""
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is not None:
            self._server.close()
            for _ in range(_TURNS_OF_ACCEPT):
                await asyncio.sleep(0)
        while self.house.connections:
            for connection in list(self.house.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        if self._zeromq is not None:
            await self._zeromq.close()
        if self._server is not None:
            await self._server.wait_closed()

    async def _start_zeromq(self, port: int) -> None:
        # Whoever wants no ZeroMQ needs no pyzmq.
        from protocol.serve.zeromq import ZeromqConfig, ZeromqServer

        config = ZeromqConfig(
            host=self.config.host,
            port=port,
            keys=self.config.zmq_keys,
            max_clients=self.config.max_clients,
            max_per_address=self.config.max_per_address,
            stall_s=self.config.deadlines.stall_s,
        )
        self._zeromq = ZeromqServer(self.site.shelf, self.metrics, config)
        await self._zeromq.start()
        self.site.zmq_port = self._zeromq.port

    async def _until_idle(self, deadline: float, enough: asyncio.Event | None) -> bool:
        loop = asyncio.get_running_loop()
        while any(connection.active for connection in self.house.connections):
            if loop.time() >= deadline or (enough is not None and enough.is_set()):
                return False
            await asyncio.sleep(0.02)
        return True

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(self.config.deadlines.sweep_s, self._schedule)
        now = loop.time()
        for connection in list(self.house.connections):
            # Each on its own, so that no fault of one keeps the others from their deadlines.
            loop.call_soon(connection.sweep, now)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; at "::" it takes IPv4 as well. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=both)


@asynccontextmanager
async def serving(shelf: Shelf, config: ServeConfig | None = None) -> AsyncIterator[Server]:
    """A server that runs as long as the block; its `port` is the one that was chosen. Raises StorageError."""
    server = Server(shelf, config or ServeConfig())
    try:
        await server.start()
        yield server
    finally:
        await server.close()


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate, whose file may hold the key as well. Raises UsageError, StorageError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key):
        if path is not None:
            with reporting(path, "read"):
                path.read_bytes()
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UsageError(
            f"{certificate} and its key make no TLS: {reason}; give PEM files that belong together"
        ) from error
    return context


def cannot_listen(host: str, port: int, error: OSError) -> StorageError:
    """Why a server cannot have its address."""
    if error.errno == errno.EADDRINUSE:
        return StorageError(f"port {port} of {host} is in use; stop what uses it, or choose another --port")
    reason = (error.strerror or str(error)).lower()
    return StorageError(f"cannot listen on port {port} of {host}: {reason}; choose another --host or --port")


def _no_password() -> str:
    raise ValueError("the key has a password")
