"""One client of `lfv serve` against the bare transports, same sizes, same run, in turns."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from encoder.bench.figure import Figure
from encoder.bench.streaming import raw
from encoder.bench.streaming.processes import Worker, served, worker
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from encoder.bench.streaming.viewers import pull_link
from protocol.container import open_show
from protocol.limits import MAX_PART_BYTES, MIB
from protocol.session.messages import PART_HEADER_BYTES

_MESSAGE_BYTES = PART_HEADER_BYTES + MAX_PART_BYTES


def bench_goodput(quick: bool) -> list[Figure]:
    """MB/s of payload, and ratios to raw sockets; segments of 8 MiB (quick: 1 MiB) in parts of 1 MiB."""
    chunks, size, rounds, count = (2, MIB, 1, 4) if quick else (16, 8 * MIB, 9, 64)
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = write_bench_show(Path(folder) / "bench.lfv", BenchShow(chunks, Fraction(1), (8 * size,)))
        with open_show(path) as show:
            ranges = [(chunk.segments[0].offset, chunk.segments[0].length) for chunk in show.index.chunks]
        whole = sum(length for _, length in ranges) / len(ranges)
        urls = stack.enter_context(served(path, "--zmq-port", "0")).urls

        def pair(serve: Callable[..., None], pull: Callable[..., None], *args: object, client: object = None) -> Worker:
            port = stack.enter_context(worker(serve, *args)).answer()
            return stack.enter_context(worker(pull, port, *([] if client is None else [client])))

        messages = round(count * whole / _MESSAGE_BYTES)
        clients: dict[str, tuple[Worker, int, float]] = {
            "websocket": (stack.enter_context(worker(pull_link, urls["ws"])), count, whole),
            "zeromq": (stack.enter_context(worker(pull_link, urls["tcp"])), count, whole),
            "http": (stack.enter_context(worker(pull_link, urls["http"])), count, whole),
            "raw websocket push": (
                pair(raw.serve_websocket_push, raw.pull_websocket_push, _MESSAGE_BYTES),
                messages,
                _MESSAGE_BYTES,
            ),
            "raw websocket echo": (
                pair(raw.serve_websocket_echo, raw.pull_websocket_echo, client=_MESSAGE_BYTES),
                messages,
                _MESSAGE_BYTES,
            ),
            "raw zeromq": (
                pair(raw.serve_zeromq, raw.pull_zeromq, _MESSAGE_BYTES, True, client=True),
                messages,
                _MESSAGE_BYTES,
            ),
            "raw zeromq uncopied": (
                pair(raw.serve_zeromq, raw.pull_zeromq, _MESSAGE_BYTES, False, client=False),
                messages,
                _MESSAGE_BYTES,
            ),
            "raw http": (pair(raw.serve_http, raw.pull_http, path, client=ranges), count, whole),
        }
        return _figures(_rounds(clients, rounds))


def _rounds(clients: Mapping[str, tuple[Worker, int, float]], rounds: int) -> dict[str, list[float]]:
    """Bytes per second of each client in each round. They run in turns; the first turn warms up and is not counted."""
    rates: dict[str, list[float]] = {name: [] for name in clients}
    for turn in range(rounds + 1):
        for name, (client, count, size) in clients.items():
            seconds = client.ask(count)
            if turn:
                rates[name].append(count * size / seconds)
    return rates


def _figures(rates: Mapping[str, list[float]]) -> list[Figure]:
    def ratio(name: str, of: str) -> float:
        return statistics.median(a / b for a, b in zip(rates[name], rates[of], strict=True))

    return [
        *(
            Figure(f"goodput_{name}", statistics.median(rates[name]) / 1e6, "MB/s")
            for name in ("websocket", "zeromq", "http")
        ),
        Figure("goodput_websocket_of_raw_push", ratio("websocket", "raw websocket push"), "x"),
        Figure("goodput_websocket_of_raw_echo", ratio("websocket", "raw websocket echo"), "x"),
        Figure("goodput_zeromq_of_raw", ratio("zeromq", "raw zeromq"), "x"),
        Figure("goodput_zeromq_of_raw_uncopied", ratio("zeromq", "raw zeromq uncopied"), "x"),
        Figure("goodput_http_of_raw", ratio("http", "raw http"), "x"),
    ]
