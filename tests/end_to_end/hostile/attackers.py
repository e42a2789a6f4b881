"""All attacks on a server at once, from a process of their own: attackers and players do not wait for each other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from multiprocessing.connection import Connection

from tests.end_to_end.hostile import http, websocket, zeromq
from tests.end_to_end.hostile.wire import Attack, Place

# By the scheme of the address that is attacked.
QUICK: dict[str, tuple[Attack, ...]] = {"http": http.QUICK, "ws": websocket.QUICK, "tcp": zeromq.QUICK}
PATIENT: dict[str, tuple[Attack, ...]] = {"http": http.PATIENT, "ws": websocket.PATIENT, "tcp": zeromq.PATIENT}


def attack_all(pipe: Connection, places: dict[str, Place], copies: int) -> None:
    """Every attack so many times -> through the pipe: name and seconds of each, or what went wrong instead of them."""
    attacks = [(scheme, attack) for scheme in places for attack in (*QUICK[scheme], *PATIENT[scheme])] * copies

    async def run() -> Sequence[float | BaseException]:
        running = (attack(places[scheme], random.Random(n)) for n, (scheme, attack) in enumerate(attacks))
        return await asyncio.gather(*running, return_exceptions=True)

    took = asyncio.run(run())
    pipe.send(
        [
            (attack.__name__, repr(t) if isinstance(t, BaseException) else t)
            for (_, attack), t in zip(attacks, took, strict=True)
        ]
    )
