"""`lfv serve` in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serve(*arguments: object, env: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`lfv serve ... --port 0` and what it says until it is ready."""
    command = [sys.executable, "-m", "encoder.cli", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        while "ready" not in said:
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"it ended: {process.communicate()[1]}")
            said.append(line.strip())
        yield process, said
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def port_of(said: list[str]) -> int:
    (port,) = {int(match[1]) for line in said if (match := re.match(r"(?:https?|wss?)://[^:]+:(\d+)/", line))}
    return port
