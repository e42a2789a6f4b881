"""The example that reads a show."""

from __future__ import annotations

from pathlib import Path

import pytest

from samples.read_show import main
from tests.protocol.examples import write_show


def test_it_says_what_a_show_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_show(tmp_path / "show.lfv", chunks=2, frames=3, rungs=2)
    assert main([str(tmp_path / "show.lfv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "6 frames" in lines[0]
    assert len([line for line in lines if line.startswith("rung ")]) == 2


def test_it_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "show.lfv").write_bytes(b"this is no show")
    assert main([str(tmp_path / "show.lfv")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
