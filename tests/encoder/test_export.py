"""`lfv export page`: what it writes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.cli import main
from encoder.commands import export

PAGE = b'<!doctype html><meta name="generator" content="lfv" /><lfv-player></lfv-player>'


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A player as `make web` leaves it."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_bytes(PAGE)
    (folder / "lfv-player.js").write_bytes(b"export {};")
    monkeypatch.setattr(export, "player_folder", lambda: folder)
    return folder


def test_both_files_also_over_older_ones(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "www" / "shows"
    for script in (b"export {};", b"newer"):
        (built / "lfv-player.js").write_bytes(script)
        assert main(["export", "page", str(out)]) == 0
        assert (out / "index.html").read_bytes() == PAGE and (out / "lfv-player.js").read_bytes() == script
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "lfv-player.js"]
    assert str(out) in capsys.readouterr().out


def test_a_page_of_ones_own_stays(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_bytes(b"mine")
    assert main(["export", "page", str(tmp_path)]) == 2
    assert "is a page of your own" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_bytes() == b"mine" and not (tmp_path / "lfv-player.js").exists()


def test_where_nothing_can_be_written(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["export", "page", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith(f"lfv: error: cannot write to {tmp_path / 'file'}: ")


def test_what_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(export, "player_folder", lambda: None)
    assert main(["export", "page", str(tmp_path)]) == 2
    assert "make web" in capsys.readouterr().err
