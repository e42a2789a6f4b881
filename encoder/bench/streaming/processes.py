"""Servers and clients as processes of their own, and what the system says that a process has used."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from encoder.bench.impairment import Impairment
from encoder.bench.proxy import open_proxy
from protocol.errors import StreamError

_READY_S, _END_S = 60.0, 10.0


class Worker:
    """A process that runs one function, which speaks with us through a pipe."""

    def __init__(self, pipe: Connection, name: str) -> None:
        self._pipe, self._name = pipe, name

    def ask(self, question: object = None, *, timeout_s: float = _READY_S) -> Any:
        """Send a question and wait for the answer. Raises StreamError where the process is gone or silent."""
        self.tell(question)
        return self.answer(timeout_s=timeout_s)

    def tell(self, question: object = None) -> None:
        """Send a question; `answer` waits for what it says."""
        self._pipe.send(question)

    def answer(self, *, timeout_s: float = _READY_S) -> Any:
        """What the process says next. Raises StreamError."""
        try:
            if self._pipe.poll(timeout_s):
                return self._pipe.recv()
        except EOFError as error:
            raise StreamError(f"{self._name} has ended; its own message says why") from error
        raise StreamError(f"{self._name} says nothing for {timeout_s:g} s; the machine may be too busy")


@contextmanager
def worker(function: Callable[..., None], *args: object) -> Iterator[Worker]:
    """A fresh process that runs `function(pipe, *args)`; it is ended with the context."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=function, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Worker(ours, function.__name__)
    finally:
        # Before its pipe is closed: it need not understand that.
        process.terminate()
        process.join(_END_S)
        process.close()
        ours.close()


@dataclass(frozen=True)
class Served:
    """A running `lfv serve` and where its show is; URLs by scheme: http, ws, tcp."""

    pid: int
    urls: dict[str, str]


@contextmanager
def served(path: Path, *options: str) -> Iterator[Served]:
    """`lfv serve` of a show in a process of its own, on free ports; it is ended with the context.

    Raises:
        StreamError: it does not start.
    """
    command = [sys.executable, "-m", "encoder.cli", "serve", str(path), "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        urls: dict[str, str] = {}
        for line in process.stdout:
            # The address of a page for people stands behind words.
            found = re.match(r"\s*((http|ws|tcp)://\S+)$", line)
            if found:
                urls[found[2]] = found[1]
            elif urls and line.startswith("ready"):
                break
        if not urls:
            raise StreamError("lfv serve did not start; its own message says why")
        yield Served(process.pid, urls)
    finally:
        process.kill()  # nobody is watching any more whom a goodbye would help
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def impaired(pipe: Connection, port: int, impairment: Impairment) -> None:
    """For `worker`: the proxy in front of a server on this machine. Says its port; is told other impairments.

    It is a process of its own, so that it neither slows the player down nor is slowed down by it.
    """

    async def run() -> None:
        async with open_proxy(port, impairment) as proxy:
            pipe.send(proxy.port)
            with contextlib.suppress(EOFError):
                while True:
                    proxy.impair(await asyncio.to_thread(pipe.recv))

    asyncio.run(run())


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, seconds. Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory of a process that is its own: resident, without pages of files. Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise StreamError(f"the system does not say how much memory process {pid} has")


def tcp_bytes() -> int:
    """Memory of the system's TCP buffers, all sockets of the machine together. Linux."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        words = line.split()
        if words[0] == "TCP:":
            return int(words[words.index("mem") + 1]) * os.sysconf("SC_PAGE_SIZE")
    raise StreamError("the system does not say how much memory its sockets have")
