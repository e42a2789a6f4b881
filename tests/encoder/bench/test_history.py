"""Figures over time: a line for each run, that says what was measured where."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from encoder.bench.figure import Figure
from encoder.bench.history import UNKNOWN, append_history, commit
from protocol.errors import StorageError


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_each_run_adds_a_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for value in (1.23456789, 2.0):
        append_history(path, [Figure("speed", value, "x")], quick=True)
    first, second = map(json.loads, path.read_text().splitlines())
    assert first["figures"] == {"speed": [1.23457, "x"]} and second["figures"] == {"speed": [2.0, "x"]}
    assert set(first) == {"date", "commit", "version", "quick", "machine", "figures"}
    assert datetime.fromisoformat(first["date"]).tzinfo is not None
    assert set(first["machine"]) == {"cores", "cpu", "python"} and first["machine"]["cpu"]


def test_a_history_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        append_history(tmp_path / "no" / "history.jsonl", [], quick=False)


def test_the_commit_is_that_of_the_checkout_itself(tmp_path: Path) -> None:
    assert commit(tmp_path) == UNKNOWN
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("a")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "a")
    found = commit(tmp_path)
    assert len(found) == 40 and int(found, 16)
    (tmp_path / "file").write_text("b")
    assert commit(tmp_path) == f"{found}-dirty"
    (tmp_path / "below").mkdir()
    assert commit(tmp_path / "below") == UNKNOWN
