"""A connection to one show: what every transport does for the player, and which transport an address needs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from player.source.address import Address
from protocol.errors import MissingExtraError, UsageError
from protocol.index import Index
from protocol.limits import KIB, MIB
from protocol.session.client import Arrived, Ended, Grown, Left, Opened, Progress

AGENT = "lfv player"
STALL_S = 2.0  # without a byte although some are due; on slow ways at least four round trips
PING_S = 5.0
SILENCE_S = 10.0  # without a byte although pings ask for them

Delivery = Progress | Arrived | Grown | Ended | Left


@dataclass(frozen=True)
class LinkOptions:
    """How to connect.

    Attributes:
        token: what lets the player in; one in the address goes before it.
        ca_file: PEM file of the authorities that are trusted instead of the system's; for https and wss.
        server_key: the server's public CURVE key, 40 characters of Z85; with it tcp:// is encrypted.
        connect_s: seconds for the way to the server's first answer.
        least_credit, first_credit, most_credit: bytes that a session's server may have under way.
    """

    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    server_key: str | None = None
    connect_s: float = 10.0
    least_credit: int = 128 * KIB
    first_credit: int = 256 * KIB
    most_credit: int = 16 * MIB


class Link(Protocol):
    """One connection to one show; all of its methods are called on one asyncio loop.

    It is opened once, and closed in any case. `receive` may be cancelled: nothing is lost by it.
    """

    async def open(self) -> Opened:
        """Connect, and fetch manifest and index.

        Raises:
            StreamError: with a code, the server refuses and would again; without one it may be tried again.
            FormatError: what is there is no show, or a damaged one.
            StorageError: a file cannot be read.
            UsageError: an option cannot be meant, such as a file of authorities that holds none.
        """

    def begin(self, time: Fraction | None, rung: int) -> None:
        """Deliver segments from the chunk at `time` on, None for the newest; what is under way is dropped.

        Raises UsageError for a rung that the show does not have; StreamError before the link is open.
        """

    def switch(self, rung: int) -> None:
        """Deliver another rung from the next chunk on that has not begun; nothing before `begin`. Raises as that."""

    def flow(self, open: bool) -> None:
        """False: nothing more than is under way already. True, as at first: as much as the way carries."""

    async def receive(self) -> Delivery:
        """The next event. After an error it raises the same again.

        Raises:
            StreamError: the connection is lost, or nothing came for STALL_S although something was due.
            FormatError: what was sent is no show any more.
            StorageError: a file cannot be read.
        """

    async def close(self) -> None:
        """End it. Harmless when it is not open, or closed already."""


# Modules are imported when they are needed: whoever plays files needs none of the transports' libraries.
_MODULES = {
    "file": "player.source.file",
    "http": "player.source.http",
    "https": "player.source.http",
    "ws": "player.source.websocket",
    "wss": "player.source.websocket",
    "tcp": "player.source.zeromq",
}
_LIBRARIES = ("h11", "websockets", "zmq")


def open_link(address: Address, options: LinkOptions) -> Link:
    """A link to the address; nothing is connected before its `open`. Raises MissingExtraError."""
    try:
        link: Link = importlib.import_module(_MODULES[address.kind]).link(address, options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _LIBRARIES:
            raise
        raise MissingExtraError(f"{address.text} needs {error.name}; pip install 'lfv[player]'") from error
    return link


def check_rung(address: Address, rung: int, index: Index) -> None:
    """Raises UsageError where the show has no such rung."""
    if not 0 <= rung < index.rung_count:
        raise UsageError(f"{address.text} has rungs 0 to {index.rung_count - 1}, and no {rung}")
