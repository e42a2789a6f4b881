"""Figures over time: one line of JSON for each run, with the commit and the machine that it was measured on."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from encoder.bench.figure import Figure, cores
from protocol.storage import reporting

UNKNOWN = "unknown"


def append_history(path: Path, figures: Sequence[Figure], *, quick: bool) -> None:
    """Adds a line {date, commit, version, quick, machine, figures} at the end of a file, which is made where it is not.

    Raises:
        StorageError: it cannot be written.
    """
    line = json.dumps(
        {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(Path(__file__).resolve().parents[2]),
            "version": _version(),
            "quick": quick,
            "machine": machine(),
            "figures": {figure.name: [float(f"{figure.value:.6g}"), figure.unit] for figure in figures},
        },
    )
    with reporting(path, "write"), path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def commit(folder: Path) -> str:
    """The commit that is checked out at the root of `folder`, with "-dirty" where files differ; or "unknown"."""
    root = _git(folder, "rev-parse", "--show-toplevel")
    if root is None or Path(root).resolve() != folder.resolve():
        return UNKNOWN
    return _git(folder, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*") or UNKNOWN


def machine() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    return {"cores": cores(), "cpu": _cpu(), "python": platform.python_version()}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or UNKNOWN)


def _version() -> str:
    try:
        return version("lfv")
    except PackageNotFoundError:
        return UNKNOWN
