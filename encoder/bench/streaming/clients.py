"""Many viewers at once on one server process, and one among them that reads nothing."""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from encoder.bench.figure import Figure
from encoder.bench.streaming.processes import cpu_seconds, resident_bytes, served, tcp_bytes, worker
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from encoder.bench.streaming.viewers import Seen, stop_reading, view_many

log = logging.getLogger(__name__)

RATE = 2_000_000  # bits per second of the rung
_PROCESSES = 4
_LOOK_S = 0.25
_SHOWN = 5  # kinds of errors
_SUFFIXES = {"ws": "", "tcp": "_zeromq", "http": "_http"}


def bench_clients(quick: bool, *, scheme: str = "ws") -> list[Figure]:
    """500 viewers for a minute (quick: 20 for 3 s) over ws, tcp or http; they begin over a tenth of that time."""
    viewers, seconds, processes = (20, 3.0, 1) if quick else (500, 60.0, _PROCESSES)
    ramp_s, suffix = seconds / 10, _SUFFIXES[scheme]
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = write_bench_show(Path(folder) / "bench.lfv", BenchShow(int(seconds) + 2, Fraction(1), (RATE,)))
        server = stack.enter_context(served(path, *(("--zmq-port", "0") if scheme == "tcp" else ())))
        url = server.urls[scheme]
        # The first viewer makes the server load what it loads once.
        stack.enter_context(worker(view_many, url, 1, 0.5, 0.0)).ask()
        groups = [
            stack.enter_context(worker(view_many, url, viewers // processes, seconds, ramp_s)) for _ in range(processes)
        ]
        before, kernel, used = resident_bytes(server.pid), tcp_bytes(), cpu_seconds(server.pid)
        started = time.monotonic()
        for group in groups:
            group.tell()
        if scheme != "http":
            stack.enter_context(worker(stop_reading, url)).answer()
        most, most_kernel = before, kernel
        # Until the first one has watched for its time, all are there.
        while (elapsed := time.monotonic() - started) < seconds:
            time.sleep(_LOOK_S)
            most, most_kernel = max(most, resident_bytes(server.pid)), max(most_kernel, tcp_bytes())
        used = cpu_seconds(server.pid) - used
        seen = Seen()
        for group in groups:
            seen.add(group.answer(timeout_s=ramp_s + 60))
    for message, count in Counter(seen.errors).most_common(_SHOWN):
        log.warning("%d viewers: %s", count, message)
    found = {
        "count": (viewers, "count"),
        "errors": (len(seen.errors), "count"),
        "stalls": (len(seen.late_s), "count"),
        "stalled": (sum(seen.late_s), "s"),
        # Of the viewers' own processes: where these are late, so is what they see.
        "lag": (seen.lag_s, "s"),
        "cpu": (seen.cpu_s / seconds, "cores"),
        "rate": (8 * seen.bytes / seconds / viewers / 1e6, "Mbit/s"),
        "server_cpu": (used / elapsed, "cores"),
        "server_cpu_per_client": (1e3 * used / elapsed / viewers, "ms/s"),
        "server_memory_per_client": ((most - before) / viewers / 1e6, "MB"),
        # Of both ends, and of all else that the machine does over TCP meanwhile.
        "kernel_memory_per_client": ((most_kernel - kernel) / viewers / 1e6, "MB"),
    }
    return [Figure(f"clients{suffix}_{name}", value, unit) for name, (value, unit) in found.items()]
