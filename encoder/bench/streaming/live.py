"""A live show over WebSocket: what transport and player add to the time at which a chunk is on the encoder's disk."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

from encoder.bench.figure import Figure
from encoder.bench.streaming.play import playing
from encoder.bench.streaming.processes import served, worker
from encoder.bench.streaming.shows import BenchShow, bench_chunk, bench_manifest
from encoder.bench.streaming.viewers import quantile
from player.loader import LoaderConfig
from protocol.chunk import encode_segment
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow

CHUNK_S = Fraction(1, 2)
_RATES = (10_000_000, 2_000_000)


def append_live(pipe: Connection, path: Path, show: BenchShow) -> None:
    """For `processes.worker`: an encoder that has a chunk ready each time one would have been filmed.

    Says when the first is on the disk, and at the end when each was: seconds of time.monotonic, which all processes
    of a machine share.
    """
    written: list[float] = []
    with PartialShow.open_or_create(path, fingerprint=b"live", restart=True) as partial:
        first = BenchShow(1, show.chunk_s, show.rates, show.side)
        started = time.monotonic()
        for number in range(show.chunks):
            segments = [encode_segment(chunk) for chunk in bench_chunk(show, number)]
            time.sleep(max(0.0, started + number * float(show.chunk_s) - time.monotonic()))
            partial.append(segments, notes=b"" if number else encode_manifest(bench_manifest(first)))
            written.append(time.monotonic())
            if number == 0:
                pipe.send(written[0])
        pipe.send(written)
        pipe.poll(None)


def bench_live(quick: bool) -> list[Figure]:
    """20 s of a show with chunks of half a second (quick: 3 s)."""
    seconds = 3.0 if quick else 20.0
    show = BenchShow(int(seconds / CHUNK_S) + 4, CHUNK_S, _RATES, 256)
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = Path(folder) / "bench.lfv"
        encoder = stack.enter_context(worker(append_live, path, show))
        encoder.answer()
        url = stack.enter_context(served(path, "--live")).urls["ws"]
        player = stack.enter_context(playing(url, LoaderConfig(loop=False)))
        moments = list(player.play(seconds))
        written = encoder.answer()
    shown: dict[int, float] = {}
    for moment in moments:
        if moment.frame is not None:
            shown.setdefault(moment.chunk, moment.now)
    # The chunk that was there already when the player came says nothing about how long one takes.
    added = [now - written[chunk] for chunk, now in shown.items() if written[chunk] > moments[0].now]
    behind = [moment.behind_s for moment in moments[len(moments) // 2 :]]
    return [
        Figure("live_added_p50", statistics.median(added), "s"),
        Figure("live_added_p95", quantile(added, 0.95), "s"),
        Figure("live_behind_edge_p50", statistics.median(behind), "s"),
        Figure("live_behind_edge_p95", quantile(behind, 0.95), "s"),
        Figure("live_chunks", len(added), "count"),
    ]
