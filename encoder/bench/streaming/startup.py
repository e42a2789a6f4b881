"""How long a viewer waits on a plain home connection: for the first picture, after a seek, after a seek back."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

from encoder.bench.figure import Figure
from encoder.bench.impairment import Impairment
from encoder.bench.streaming.play import playing
from encoder.bench.streaming.processes import impaired, served, worker
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from encoder.bench.streaming.viewers import quantile
from player.loader import LoaderConfig

# 50 ms each way: a round trip is 100 ms.
LINK = Impairment(rate=50e6, delay_s=0.05, jitter_s=0.005)
LADDER = (80_000_000, 40_000_000, 25_000_000, 15_000_000)  # bits per second, a full-size show's
_AHEAD_S = 4.0


def bench_startup(quick: bool) -> list[Figure]:
    """Seconds to the first composited picture, of seeks to what is not here (cold) and to what is (cached)."""
    runs, chunks, side = (1, 8, 64) if quick else (20, 16, 512)
    out: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = write_bench_show(Path(folder) / "bench.lfv", BenchShow(chunks, Fraction(1), LADDER, side))
        urls = stack.enter_context(served(path)).urls
        for scheme, suffix in (("ws", ""), ("http", "_http")):
            url = urlsplit(urls[scheme])
            port = stack.enter_context(worker(impaired, url.port, LINK)).answer()
            here = url._replace(netloc=f"127.0.0.1:{port}").geturl()
            out += _figures([_run(here, chunks, random.Random(run)) for run in range(runs)], suffix)
    return out


def _run(url: str, chunks: int, rng: random.Random) -> tuple[float, float, float]:
    """Seconds to the first picture, of a cold seek, of a cached one."""
    started = time.perf_counter()
    with playing(url, LoaderConfig(ahead_s=_AHEAD_S, loop=False)) as player:
        player.seek(0.0)
        first = time.perf_counter() - started
        time.sleep(rng.uniform(0, 0.5))  # something is under way, at any point of it
        cold = player.seek(rng.uniform(_AHEAD_S + 2, chunks - 0.5))
        return first, cold, player.seek(0.0)


def _figures(runs: list[tuple[float, float, float]], suffix: str) -> list[Figure]:
    out = []
    for what, seconds in zip(("first_frame", "seek_cold", "seek_cached"), zip(*runs, strict=True), strict=True):
        out += [
            Figure(f"startup{suffix}_{what}_p50", statistics.median(seconds), "s"),
            Figure(f"startup{suffix}_{what}_p95", quantile(seconds, 0.95), "s"),
        ]
    return out
