"""Viewers without a screen play at the show's own pace, and say what came late and what failed."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.bench.impairment import Impairment
from encoder.bench.proxy import open_proxy
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from encoder.bench.streaming.viewers import BUFFER_S, Seen, view
from protocol.serve.server import serving
from protocol.serve.shelf import Shelf, open_static

CHUNK_S = Fraction(1, 5)
RATE = 8_000_000


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shows") / "bench.lfv"
    return write_bench_show(path, BenchShow(5, CHUNK_S, (RATE,)))


def viewed(show: Path, link: Impairment, seconds: float, *, name: str = "bench", scheme: str = "ws") -> Seen:
    async def run() -> Seen:
        shelf = Shelf()
        shelf.add(open_static(show))
        try:
            async with serving(shelf) as server, open_proxy(server.port, link) as proxy:
                return await view(f"{scheme}://127.0.0.1:{proxy.port}/{name}.lfv", seconds)
        finally:
            shelf.close()

    return asyncio.run(run())


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_viewer_takes_what_it_plays_and_a_buffer_and_begins_again_at_the_end(show: Path, scheme: str) -> None:
    seen = viewed(show, Impairment(), 1.0, scheme=scheme)
    assert not seen.errors and not seen.late_s
    wanted = (1.0 + BUFFER_S) / float(CHUNK_S)
    # More is what was under way when the buffer was full; without a pace it would be hundreds.
    assert wanted - 3 <= seen.segments <= 3 * wanted
    assert seen.bytes == pytest.approx(seen.segments * RATE * float(CHUNK_S) / 8, rel=0.02)


def test_what_comes_after_its_time_is_noted(show: Path) -> None:
    seen = viewed(show, Impairment(rate=((0.0, 4 * RATE), (0.6, RATE / 8))), 5.0)
    assert not seen.errors
    # What was there plays until second 3 or so; then each chunk is late by what it takes.
    assert len(seen.late_s) >= 1 and min(seen.late_s) > 0


def test_a_refusal_is_an_error(show: Path) -> None:
    seen = viewed(show, Impairment(), 1.0, name="other")
    assert seen.segments == 0 and len(seen.errors) == 1 and "other" in seen.errors[0]
