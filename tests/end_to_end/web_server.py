"""Debian's nginx, started for a test: its own tiny configuration, port and folder, no root, no daemon."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# What the README tells people to write, between the lines that a test needs.
_CONFIGURATION = """
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format ranges '$request_method $status "$http_range" $body_bytes_sent $uri';
    access_log {work}/access.log ranges;
    {temporary}
    types {{ text/html html; text/javascript js; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        location ~ \\.lfv$ {{
            types {{ }}
            default_type application/octet-stream;
            add_header Cache-Control "public, max-age=31536000, immutable";
            add_header Access-Control-Allow-Origin "*";
            add_header Access-Control-Expose-Headers "Content-Length, Content-Range, ETag";
        }}
    }}
}}
"""
_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_START_S = 10.0


@dataclass(frozen=True)
class Asked:
    """One line of the access log; `first` and `last` are the bytes of its range, None where it had none."""

    method: str
    status: int
    first: int | None
    last: int | None
    sent: int
    path: str


@dataclass(frozen=True)
class WebServer:
    """A running nginx that serves one folder."""

    port: int
    work: Path

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def asked(self, count: int) -> list[Asked]:
        """The requests so far, once there are `count` of them: nginx writes a line after the answer."""
        deadline = time.monotonic() + 5.0
        while True:
            lines = (self.work / "access.log").read_text().splitlines()
            if len(lines) >= count or time.monotonic() > deadline:
                return [_parsed(line) for line in lines]
            time.sleep(0.02)


def _parsed(line: str) -> Asked:
    method, status, wanted, sent, path = line.split(" ")
    first, _, last = wanted.strip('"').removeprefix("bytes=").partition("-")
    bounds = (None, None) if wanted == '"-"' else (int(first), int(last))
    return Asked(method, int(status), *bounds, int(sent), path)


@contextmanager
def nginx(folder: Path, work: Path) -> Iterator[WebServer]:
    """Serve `folder`; `work` is for logs. Skips the test where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx is not installed; as root on Debian, 'make test' installs it")
    port = _free_port()
    temporary = " ".join(f"{name}_temp_path {work}/{name};" for name in _FOLDERS)
    configuration = _CONFIGURATION.format(work=work, folder=folder, port=port, temporary=temporary)
    (work / "nginx.conf").write_text(configuration)
    words = [program, "-p", str(work), "-e", str(work / "error.log"), "-c", str(work / "nginx.conf")]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        _wait_for(port, process, work)
        yield WebServer(port, work)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], work: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"nginx does not start: {(work / 'error.log').read_text()}")
