"""The ROUTER socket: what it bears with, and where it listens."""

from __future__ import annotations

import asyncio
import socket as sockets
from dataclasses import dataclass

import zmq

from protocol import limits
from protocol.errors import StorageError
from protocol.serve.curve import CurveKeys
from protocol.session.server import HELLO_S

_BACKLOG = 1024
_QUEUE = 3  # messages to one peer that wait in ZeroMQ; one more is on its way, so four parts are the most
_RECEIVED = 16  # messages of one peer that wait to be read
_HEARTBEAT_MS, _DEAD_MS = 2_000, 7_000  # who answers no heartbeat is gone, or sends byte by byte


@dataclass(frozen=True)
class ZeromqConfig:
    """Where a ROUTER listens and what it bears with.

    Attributes:
        port: 0 lets the system choose.
        keys: for encryption; None for none.
        max_clients: connections at once.
        max_per_address: of one address; this machine's own have no such limit.
        handshake_s: for ZeroMQ's own beginning.
        hello_s: from a connection's start to its first message.
        stall_s: without the client taking a byte of what waits for it.
        linger_s: for a client to read the last word, before it is cut.
        sweep_s: between two looks at these deadlines.
    """

    host: str = "127.0.0.1"
    port: int = 0
    keys: CurveKeys | None = None
    max_clients: int = 1000
    max_per_address: int = 256
    handshake_s: float = 9.0
    hello_s: float = HELLO_S
    stall_s: float = 20.0
    linger_s: float = 2.0
    sweep_s: float = 0.1


def set_options(router: zmq.Socket[bytes], config: ZeromqConfig) -> None:
    """Before it listens."""
    for option, value in (
        (zmq.ROUTER_MANDATORY, 1),  # say where a peer takes no more, rather than drop
        (zmq.SNDHWM, _QUEUE),
        (zmq.RCVHWM, _RECEIVED),
        (zmq.MAXMSGSIZE, limits.MAX_MESSAGE_BYTES),
        (zmq.HANDSHAKE_IVL, round(1000 * config.handshake_s)),
        (zmq.HEARTBEAT_IVL, _HEARTBEAT_MS),
        (zmq.HEARTBEAT_TIMEOUT, _DEAD_MS),
        (zmq.BACKLOG, _BACKLOG),
        (zmq.IPV6, 1),
    ):
        router.setsockopt(option, value)
    if config.keys is not None:
        router.curve_server = True
        router.curve_secretkey = config.keys.secret.encode()


async def listen(router: zmq.Socket[bytes], config: ZeromqConfig) -> int:
    """At the host's addresses, all at one port -> that port.

    Raises StorageError where it is taken, or an address is none of this machine's.
    """
    port = config.port
    try:
        for address in await _addresses(config.host):
            router.bind(f"tcp://{address}:{port}")
            endpoint = router.getsockopt(zmq.LAST_ENDPOINT)
            assert isinstance(endpoint, bytes)
            port = int(endpoint.rstrip(b"\0").rpartition(b":")[2])
    except (OSError, zmq.ZMQError) as error:
        if error.errno == zmq.EADDRINUSE:
            message = f"port {port} of {config.host} is in use; stop what uses it, or choose another"
        else:
            reason = (error.strerror or str(error)).lower()
            message = f"cannot listen on port {port} of {config.host}: {reason}; choose another"
        raise StorageError(message) from error
    return port


async def _addresses(host: str) -> list[str]:
    """Of a host, as ZeroMQ writes them; it takes no names."""
    if not host:
        return ["*"]
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=sockets.SOCK_STREAM)
    unique = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [f"[{address}]" if ":" in address else address for address in unique]
