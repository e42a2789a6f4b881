"""A real server among clients that mean no good: they are cut, it stays small, and nobody else notices."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil
import pytest

from encoder.bench.streaming.processes import Served, served, worker
from tests.end_to_end.honest_player import HonestPlayer
from tests.end_to_end.hostile.attackers import QUICK, attack_all
from tests.end_to_end.hostile.wire import Place
from tests.end_to_end.hostile.zeromq import frames_without_end
from tests.protocol.session.shows import MemoryShow

MIB = 1 << 20
ONE_ATTACK = 24 * MIB  # may cost the server at most so much memory
# ZeroMQ keeps the frames of a message until the last one is there; the server looks every 0.1 s how many came.
ENDLESS = 192 * MIB
ALL_ATTACKS = 64 * MIB
COPIES = 3  # of each attack at once
STALL_S = 2.0  # without a byte: to a player, the connection is lost


@dataclass
class Memory:
    """The most that a process uses, looked at several times a second."""

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
        while not self._done.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`lfv serve` with a show of 20 MiB, over all transports."""
    path = tmp_path_factory.mktemp("shows") / "big.lfv"
    path.write_bytes(MemoryShow([[MIB, 50_000]] * 20).file_bytes())
    with served(path, "--zmq-port", "0") as running:
        assert set(running.urls) == {"http", "ws", "tcp"}
        yield running


@pytest.fixture(scope="module")
def honest(server: Served) -> Iterator[list[HonestPlayer]]:
    """One player per transport, as long as all of these tests."""
    players = [HonestPlayer(url).start() for url in server.urls.values()]
    yield players
    for player in players:
        player.stop()


def places(server: Served) -> dict[str, Place]:
    out = {}
    for scheme, url in server.urls.items():
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        out[scheme] = Place(parts.hostname, parts.port, "big", server.pid)
    return out


def check_unharmed(players: list[HonestPlayer]) -> None:
    """They go on, and have at no time waited for long."""
    before, deadline = [player.segments for player in players], time.monotonic() + STALL_S
    while any(p.segments == count and p.error is None for p, count in zip(players, before, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for player in players:
        assert player.error is None, f"{player.url}: {player.error}"
        assert player.longest_wait_s < STALL_S, player.url


@pytest.mark.parametrize(
    ("scheme", "attack"),
    [(scheme, attack) for scheme, attacks in QUICK.items() for attack in attacks],
    ids=[f"{scheme}-{attack.__name__}" for scheme, attacks in QUICK.items() for attack in attacks],
)
def test_it_is_cut_in_time_and_costs_little(server, honest, scheme, attack):
    with Memory(server.pid) as memory:
        asyncio.run(attack(places(server)[scheme], random.Random(1)))
    check_unharmed(honest)
    assert memory.grown < (ENDLESS if attack is frames_without_end else ONE_ATTACK)


@pytest.mark.slow
def test_all_of_them_at_once(server, honest):
    with Memory(server.pid) as memory, worker(attack_all, places(server), COPIES) as attackers:
        took = attackers.answer(timeout_s=120.0)
    assert len(took) > 20 * COPIES
    assert [(name, t) for name, t in took if isinstance(t, str)] == []
    check_unharmed(honest)
    assert memory.grown < COPIES * ENDLESS + ALL_ATTACKS
