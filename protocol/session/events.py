"""What a client's session tells: the show, its segments as they come, its growth and its end."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.index import Index
from protocol.manifest import Manifest


@dataclass(frozen=True, eq=False)
class Opened:
    """The show's manifest and index are here."""

    manifest: Manifest
    index: Index
    live: bool


@dataclass(frozen=True)
class Progress:
    """Bytes of a segment have come; `received` of `total` are here."""

    chunk: int
    rung: int
    received: int
    total: int


@dataclass(frozen=True, eq=False)
class Arrived:
    """A whole segment; `container.check_segment` says whether it is the one that the index promises."""

    chunk: int
    rung: int
    data: bytes


@dataclass(frozen=True, eq=False)
class Grown:
    """A live show has more chunks."""

    index: Index


@dataclass(frozen=True)
class Ended:
    """Everything has been sent to the end of the show, which grows no more."""


@dataclass(frozen=True)
class Ponged:
    """The server lives: it answered the ping of this number."""

    id: int


@dataclass(frozen=True)
class Left:
    """The server goes away for a reason of its own; another connection may be tried."""

    reason: str


Event = Opened | Progress | Arrived | Grown | Ended | Ponged | Left
