"""The example that makes a live show of a finished one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from protocol.container import open_show
from protocol.manifest import decode_manifest
from protocol.partial import PartialShow, partial_path
from samples.append_live import append_live, main
from tests.protocol.examples import write_show


def test_the_show_comes_out_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show, out = tmp_path / "show.lfv", tmp_path / "live.lfv"
    write_show(show, chunks=3, rungs=2)
    assert main([str(show), str(out), "--speed", "10"]) == 0
    assert capsys.readouterr().out.splitlines() == ["chunk 0", "chunk 1", "chunk 2"]
    assert out.read_bytes() == show.read_bytes() and not partial_path(out).exists()


def test_chunks_come_when_they_would_have_been_filmed(tmp_path: Path) -> None:
    show, out = tmp_path / "show.lfv", tmp_path / "live.lfv"
    write_show(show, chunks=3)
    moments: list[float] = []
    notes: list[bytes] = []

    def look(number: int) -> None:
        moments.append(time.monotonic())
        if number == 0:
            copy = tmp_path / "copy.lfv"
            partial_path(copy).write_bytes(partial_path(out).read_bytes())
            with (
                open_show(show) as opened,
                PartialShow.open_or_create(copy, fingerprint=opened.header.digest) as journal,
            ):
                notes.extend(chunk.notes for chunk in journal.chunks)

    with open_show(show) as opened:
        begun = time.monotonic()
        append_live(opened, out, on_chunk=look)
        for moment, chunk in zip(moments, opened.index.chunks, strict=True):
            assert moment - begun >= float(chunk.end)
        (first,) = notes
        assert decode_manifest(first).frame_count == opened.index.chunks[0].frame_count


def test_it_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = tmp_path / "show.lfv"
    write_show(show, chunks=1)
    for arguments in ([tmp_path / "none.lfv", tmp_path / "out.lfv"], [show, tmp_path / "out.lfv", "--speed", "0"]):
        assert main(list(map(str, arguments))) in (1, 2)
        assert capsys.readouterr().err.startswith("error: ")
