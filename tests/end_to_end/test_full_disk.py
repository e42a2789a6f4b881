"""A disk that fills up while a show is made: one line, what was complete stays, with room again it goes on."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.partial import partial_path
from tests.end_to_end.commands import QUICK, REPOSITORY, Ran, command, run

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB: room for the layers of a chunk, and for little else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(disk: Path, *, leave: int) -> Path:
    """Fills the disk up to `leave` bytes."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(bytes(max(0, free - leave)))
    return ballast


def test_no_room_for_the_layers(small: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ballast = _fill(small_disk, leave=100_000)
    done = run(capsys, "encode", small, "--out", small_disk / "show.lfv", *QUICK)
    assert done.code == 1 and "no room for the layers" in done.error and "--gop" in done.error
    assert not (small_disk / "show.lfv").exists()
    ballast.unlink()


def test_no_room_for_the_journal(small: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(small_disk, leave=0)
    done = run(capsys, "encode", small, "--out", small_disk / "show.lfv", *QUICK)
    assert done.code == 1 and "no space left" in done.error
    assert not (small_disk / "show.lfv").exists()


def test_the_disk_fills_up_between_chunks(
    small: Path, tiny_show: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Room for scratch and journal, none for the show beside them; then somebody tidies up."""
    out = small_disk / "show.lfv"
    ballast = _fill(small_disk, leave=LAYERS + tiny_show.stat().st_size // 2)
    done = run(capsys, "encode", small, "--out", out, *QUICK)
    assert done.code == 1 and str(small_disk) in done.error
    assert not out.exists() and partial_path(out).stat().st_size > 1000
    ballast.unlink()
    again = run(capsys, "encode", small, "--out", out, *QUICK)
    assert again.code == 0 and "going on: " in again.err
    assert out.read_bytes() == tiny_show.read_bytes()


LAYERS = 2 * 5 * 126 * 61 * 8  # bytes of two frames of five layers, colour and disparity


def _with_file_limit(words: list[str], limit: int) -> Ran:
    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(words, cwd=REPOSITORY, preexec_fn=cap, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def test_files_that_may_not_grow(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quota shows itself as a write that fails; needs no rights to test."""
    out = tmp_path / "show.lfv"
    layers = _with_file_limit(command("encode", small, "--out", out, *QUICK), 100_000)
    assert layers.code == 1 and "no room for the layers" in layers.error
    assert not out.exists()
    assert run(capsys, "encode", small, "--out", out, *QUICK).code == 0
    assert out.read_bytes() == tiny_show.read_bytes()


def test_playing_to_a_full_disk(tiny_show: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(small_disk, leave=0)
    for out in ("tour", "tour.mp4"):
        done = run(capsys, "play", tiny_show, "--headless", "--out", small_disk / out, "--size", "320x240")
        assert done.code == 1 and str(small_disk) in done.error and "free some space" in done.error
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["ballast"]


def test_a_video_that_no_longer_fits(tiny_show: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a video would play, and nobody would know that it is half."""
    _fill(small_disk, leave=20_000)
    for name in ("tour.mp4", "tour.mkv", "tour.mov"):
        done = run(capsys, "play", tiny_show, "--headless", "--out", small_disk / name, "--size", "640x480")
        assert done.code == 1 and name in done.error and "free some space" in done.error
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["ballast"]


def test_judging_to_a_full_disk(
    small: Path, tiny_show: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _fill(small_disk, leave=0)
    for option in (
        ("--json", small_disk / "figures.json"),
        ("--pictures", small_disk / "pictures"),
        ("--report", small_disk / "report.html"),
    ):
        done = run(capsys, "evaluate", tiny_show, "--rig", small, "--cameras", "camera_0001", *option)
        assert done.code == 1 and str(small_disk) in done.error
    assert not (small_disk / "figures.json").exists() and not list(small_disk.glob("report*"))
