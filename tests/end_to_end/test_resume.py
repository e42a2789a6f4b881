"""Killed at any moment, `encode` goes on where it was, and the show is the same to the byte."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from protocol.container import open_show
from protocol.partial import partial_path
from samples.make_rig import RigConfig, make_rig
from tests.end_to_end.commands import QUICK, REPOSITORY, command, killed_at, run, run_process

pytestmark = pytest.mark.slow
_HEADER = 64  # bytes of a journal without chunks


def test_killed_in_every_chunk_and_run_again(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One show that is killed four times: before the first chunk, right behind it, within the second, in the last."""
    out = tmp_path / "small.lfv"
    sizes = []
    for moment in ("0 video", "1 solve", "1 mesh", "2 solve"):
        killed_at(moment, small, out)
        assert not out.exists()
        sizes.append(partial_path(out).stat().st_size)
    # What was complete stayed, and nothing but it: no scratch file of the layers outlives the process.
    assert sizes[0] == _HEADER < sizes[1] == sizes[2] < sizes[3]
    assert [path.name for path in tmp_path.iterdir()] == [partial_path(out).name]
    done = run(capsys, "encode", small, "--out", out, *QUICK)
    assert done.code == 0 and "going on: 2 of 3 chunks are there" in done.err
    assert out.read_bytes() == tiny_show.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_half_written_chunk_is_encoded_anew(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kill or a power cut while a chunk is being written leaves any part of it."""
    out = tmp_path / "small.lfv"
    killed_at("2 solve", small, out)
    journal = partial_path(out).read_bytes()
    rng = random.Random(3)
    end = rng.randrange(_HEADER + 1, len(journal) - 1)
    partial_path(out).write_bytes(journal[:end] + bytes(rng.randrange(0, len(journal) - end)))
    assert run(capsys, "encode", small, "--out", out, *QUICK).code == 0
    assert out.read_bytes() == tiny_show.read_bytes()


def test_killed_at_any_time(small: Path, tiny_show: Path, tmp_path: Path) -> None:
    """By the clock, the command itself, again and again until it is through."""
    out, rng = tmp_path / "small.lfv", random.Random(1)
    for _ in range(4):
        with subprocess.Popen(command("encode", small, "--out", out, *QUICK, "--quiet"), cwd=REPOSITORY) as process:
            try:
                process.wait(rng.uniform(1.0, 4.0))
            except subprocess.TimeoutExpired:
                process.kill()
        if out.exists():
            break
    else:
        assert run_process(command("encode", small, "--out", out, *QUICK, "--quiet")).code == 0
    assert out.read_bytes() == tiny_show.read_bytes()


def test_ctrl_c_leaves_a_file_that_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig, out = tmp_path / "rig", tmp_path / "shows" / "small.lfv"
    out.parent.mkdir()
    # Chunks enough that it is not through before the signal is there.
    make_rig(rig, RigConfig(cameras=4, frames=20, width=64, height=48, frame_rate=Fraction(20), views=0))
    words = command("encode", rig, "--out", out, *QUICK)
    # Where a shell runs the tests in the background, processes are born deaf to it.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(words, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, preexec_fn=hears) as process:
        assert process.stderr is not None
        _wait_for_a_chunk(out, process)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted; run the same command again to go on" and "Traceback" not in said
    assert [path.name for path in out.parent.iterdir()] == [partial_path(out).name]

    other = run(capsys, "encode", rig, "--out", out, *QUICK, "--layers", "4")
    assert other.code == 2 and "--restart" in other.error
    done = run(capsys, "encode", rig, "--out", out, *QUICK)
    assert done.code == 0 and "going on: " in done.err
    whole = tmp_path / "whole.lfv"
    assert run(capsys, "encode", rig, "--out", whole, *QUICK).code == 0
    assert out.read_bytes() == whole.read_bytes()


def test_restart_begins_anew(small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "small.lfv"
    killed_at("1 solve", small, out)
    done = run(capsys, "encode", small, "--out", out, *QUICK, "--layers", "4", "--restart")
    assert done.code == 0 and "going on" not in done.err
    with open_show(out) as show:
        assert show.manifest.layer_count <= 4
    assert run(capsys, "verify", out).code == 0
    # Over a finished show, the same command makes it again.
    assert run(capsys, "encode", small, "--out", out, *QUICK).code == 0
    assert out.read_bytes() == tiny_show.read_bytes()


def _wait_for_a_chunk(out: Path, process: subprocess.Popen[str]) -> None:
    journal = partial_path(out)
    sizes = [0]
    # While it is being written it still grows, and an interrupt takes it back.
    while sizes[-1] <= _HEADER or sizes[-1] != sizes[-2]:
        assert process.poll() is None, "it ended before a chunk was there"
        time.sleep(0.03)
        sizes.append(journal.stat().st_size if journal.exists() else 0)
