"""A show over real sockets: bytes as in the file, seeks, fixed rungs, outages that heal, servers that change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.bench.impairment import Impairment, Outage
from encoder.bench.proxy import proxy_in_thread
from player.loader import Loader, LoaderConfig
from player.source.address import parse_address
from player.source.link import LinkOptions
from protocol.container import open_show
from protocol.errors import FormatError, StreamError, UsageError
from protocol.serve.server import ServeConfig
from samples.make_counter_show import FULL, LOW, MEDIUM, CounterRung, make_counter_show
from tests.protocol.serve.running import running

RUNGS = (
    CounterRung("full", FULL.scale, FULL.quality, 4_000_000),
    CounterRung("medium", MEDIUM.scale, MEDIUM.quality, 2_000_000),
    CounterRung("low", LOW.scale, LOW.quality, 1_000_000),
)
KINDS = ("ws", "http")
# Less than a segment of the lowest rung, or several would be under way before anything is measured.
OPTIONS = LinkOptions(first_credit=1 << 15, least_credit=1 << 15, most_credit=1 << 18)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shows") / "counter.lfv"
    return make_counter_show(out, frames=240, rungs=RUNGS, gop=Fraction(1, 2))


@contextmanager
def loading(kind: str, port: int, **settings: object) -> Iterator[Loader]:
    address = parse_address(f"{kind}://127.0.0.1:{port}/counter.lfv")
    with Loader(address, OPTIONS, LoaderConfig(**settings)) as loader:  # type: ignore[arg-type]
        yield loader


def never() -> bool:
    return False


@pytest.mark.parametrize("kind", ["file", *KINDS])
@pytest.mark.parametrize("rung", [0, 2])
def test_every_chunk_is_as_in_the_file(path: Path, kind: str, rung: int) -> None:
    with open_show(path) as show, running(path) as server:
        address = str(path) if kind == "file" else f"{kind}://127.0.0.1:{server.port}/counter.lfv"
        config = LoaderConfig(rung=RUNGS[rung].name)
        with Loader(parse_address(address), LinkOptions(), config) as loader:
            assert loader.index == show.index and loader.manifest.title == show.manifest.title
            for number in (*range(len(show.index.chunks)), 3, 0):
                assert loader.chunk(number, never) == show.read_chunk(number, rung)
            assert loader.chunk(len(show.index.chunks), never) is None


@pytest.mark.parametrize("kind", KINDS)
def test_begins_low_and_takes_what_the_network_carries(path: Path, kind: str) -> None:
    with running(path) as server, loading(kind, server.port) as loader:
        rungs = [chunk.rung for number in range(8) if (chunk := loader.chunk(number, never)) is not None]
        assert rungs[0] == 2 and rungs[-1] == 0
        assert loader.figures().rung == "full"


@pytest.mark.parametrize("kind", KINDS)
def test_a_fixed_rung_changes_at_a_chunks_border(path: Path, kind: str) -> None:
    with running(path) as server, loading(kind, server.port, rung="medium", ahead_s=0.6) as loader:
        first = loader.chunk(0, never)
        loader.lock(2)
        rest = [chunk.rung for number in range(1, 8) if (chunk := loader.chunk(number, never)) is not None]
        assert first is not None and first.rung == 1
        assert rest == sorted(rest) and rest[-1] == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outage", ["reset", "silent"])
def test_an_outage_heals_by_itself(path: Path, kind: str, outage: str) -> None:
    network = Impairment(rate=20e6, delay_s=0.01)
    broken = replace(network, outages=(Outage(0.0, 3.0, outage),))  # type: ignore[arg-type]
    with (
        running(path) as server,
        proxy_in_thread(server.port, network) as proxy,
        loading(kind, proxy.port, rung="low", ahead_s=0.6) as loader,
    ):
        assert loader.chunk(0, never) is not None
        proxy.impair(broken)
        started = time.monotonic()
        # A few are ahead of the outage, the last ones never are.
        for number in range(1, 10):
            assert loader.chunk(number, never) is not None
        assert 3.0 <= time.monotonic() - started < 3.0 + 5.0
        assert loader.figures().fetch.reconnects >= 1 and loader.figures().fetch.connected


def test_a_wait_ends_when_it_is_stale(path: Path) -> None:
    impairment = Impairment(delay_s=0.01, outages=(Outage(0.7, 60.0, "silent"),))
    with (
        running(path) as server,
        proxy_in_thread(server.port, impairment) as proxy,
        loading("ws", proxy.port, rung="full", ahead_s=0.6) as loader,
    ):
        time.sleep(0.9)
        gone = threading.Event()
        threading.Timer(0.2, gone.set).start()
        started = time.monotonic()
        assert loader.chunk(12, gone.is_set) is None
        assert time.monotonic() - started < 1.0


def test_another_show_under_the_same_name_ends_it(path: Path, tmp_path: Path) -> None:
    other = make_counter_show(tmp_path / "counter.lfv", frames=240, rungs=RUNGS, gop=Fraction(1))
    with ExitStack() as first:
        port = first.enter_context(running(path)).port
        with loading("ws", port, rung="full", ahead_s=0.6) as loader:
            assert loader.chunk(0, never) is not None
            first.close()
            with (
                running(other, config=ServeConfig(port=port)),
                pytest.raises(StreamError, match="changed on the server"),
            ):
                for number in range(1, 16):
                    loader.chunk(number, never)


def test_a_wrong_rung_is_told_with_those_that_exist(path: Path) -> None:
    with (
        running(path) as server,
        pytest.raises(UsageError, match="no rung 'best'; it has full, medium, low"),
        loading("ws", server.port, rung="best"),
    ):
        pass


def test_nobody_there_is_told_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(StreamError, match=r"127\.0\.0\.1"), loading("ws", 1):
        pass
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_chunk_is_fetched_twice_and_then_told(path: Path, tmp_path: Path, kind: str) -> None:
    damaged = tmp_path / "counter.lfv"
    data = bytearray(path.read_bytes())
    with open_show(path) as show:
        entry = show.entry(1, 0)
    data[entry.end - 1] ^= 1
    damaged.write_bytes(data)
    with running(damaged) as server, loading(kind, server.port, rung="full") as loader:
        assert loader.chunk(0, never) is not None
        with pytest.raises(FormatError, match="chunk 1 rung 0 has a wrong checksum"):
            loader.chunk(1, never)
        assert loader.chunk(2, never) is not None
