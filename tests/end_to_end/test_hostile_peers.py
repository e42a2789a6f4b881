"""A real server among clients that mean no good: they are cut, it stays small, and nobody else notices."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil
import pytest

from encoder.bench.streaming.processes import Served, served, worker
from tests.end_to_end import hostile_peers
from tests.end_to_end.honest_player import HonestPlayer
from tests.end_to_end.hostile_peers import CUT_S, SLACK_S, STALL_S, Place, attack_at_once
from tests.protocol.session.shows import MemoryShow

MIB = 1 << 20
ONE_MIB = 24 * MIB  # that one attack may add to the server's memory
ALL_MIB = 64 * MIB  # and all of them at once
COPIES = 3  # of each attack at once


@dataclass
class Memory:
    """The most that a process has used, looked at several times a second."""

    pid: int
    most: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Memory:
        self._process = psutil.Process(self.pid)
        self.most = self.first = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self.most - self.first

    def _look(self) -> None:
        while not self._done.wait(0.1):
            self.most = max(self.most, self._process.memory_info().rss)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`lfv serve` with a show of 20 MiB."""
    path = tmp_path_factory.mktemp("shows") / "big.lfv"
    path.write_bytes(MemoryShow([[MIB, 50_000]] * 20).file_bytes())
    with served(path) as running:
        yield running


@pytest.fixture(scope="module")
def honest(server: Served) -> Iterator[list[HonestPlayer]]:
    """One player per transport, as long as all of these tests."""
    players = [HonestPlayer(url).start() for url in server.urls.values()]
    yield players
    for player in players:
        player.stop()


def place(server: Served) -> Place:
    parts = urlsplit(server.urls["http"])
    assert parts.hostname is not None and parts.port is not None
    return Place(parts.hostname, parts.port, "big", server.pid)


def check_unharmed(players: list[HonestPlayer], before: list[int]) -> None:
    for player, count in zip(players, before, strict=True):
        assert player.error is None, player.error
        assert player.segments > count
        # Two seconds without a byte would be a stall to a player.
        assert player.longest_wait_s < 2.0


@pytest.mark.parametrize("attack", hostile_peers.QUICK, ids=lambda attack: attack.__name__)
def test_it_is_cut_at_once_and_costs_nothing(server, honest, attack):
    before = [player.segments for player in honest]
    with Memory(server.pid) as memory:
        assert asyncio.run(attack(place(server), random.Random(1))) < CUT_S + SLACK_S
        while any(
            player.segments == count and player.error is None for player, count in zip(honest, before, strict=True)
        ):
            pass
    check_unharmed(honest, before)
    assert memory.grown < ONE_MIB


@pytest.mark.slow
def test_all_of_them_at_once(server, honest):
    names = [attack.__name__ for attack in (*hostile_peers.QUICK, *hostile_peers.PATIENT)] * COPIES
    stalls = {attack.__name__ for attack in hostile_peers.STALLS}
    before = [player.segments for player in honest]
    with Memory(server.pid) as memory, worker(attack_at_once, place(server), names) as attackers:
        took = attackers.answer(timeout_s=120.0)
    assert [(name, t) for name, t in zip(names, took, strict=True) if isinstance(t, str)] == []
    late = [(n, t) for n, t in zip(names, took, strict=True) if t > (STALL_S if n in stalls else CUT_S) + SLACK_S]
    assert late == []
    check_unharmed(honest, before)
    assert memory.grown < ALL_MIB
