"""Everything that a crew gets wrong ends in one clear line and an exit code, and leaves nothing that looks whole."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from protocol.partial import PartialShow, partial_path
from samples.footage import write_video
from tests.end_to_end.commands import QUICK, run

pytestmark = pytest.mark.slow
FAILED, MISUSED = 1, 2
RATE = Fraction(20)
THREE_HELD_OUT = [word for number in (1, 2, 3) for word in ("--hold-out", f"camera_000{number}")]
SEARCHED = QUICK[4:]  # near and far are for lfv to find


def _noise(path: Path, *, frames: int = 5, width: int = 64, height: int = 48, rate: Fraction = RATE) -> None:
    """A video of pictures that belong to nothing."""
    rng = np.random.default_rng(sum(path.name.encode()))
    write_video(path, [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(frames)], rate=rate)


def _camera(rig: Path, number: int) -> Path:
    return rig / f"camera_{number:04d}.mp4"


def _without_calibration(rig: Path) -> None:
    (rig / "models.json").unlink()


def _half_calibration(rig: Path) -> None:
    (rig / "models.json").write_text((rig / "models.json").read_text()[:200])


def _empty(rig: Path) -> None:
    shutil.rmtree(rig)
    rig.mkdir()


def _gone(rig: Path) -> None:
    shutil.rmtree(rig)


def _cut_off(rig: Path) -> None:
    data = _camera(rig, 2).read_bytes()
    _camera(rig, 2).write_bytes(data[: len(data) // 2])


def _text(rig: Path) -> None:
    _camera(rig, 2).write_text("This is a shopping list.\n")


def _no_bytes(rig: Path) -> None:
    _camera(rig, 2).write_bytes(b"")


def _sound_alone(rig: Path) -> None:
    with av.open(_camera(rig, 2), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])


def _one_left(rig: Path) -> None:
    for number in (2, 3, 4):
        _camera(rig, number).unlink()


def _short(rig: Path) -> None:
    _noise(_camera(rig, 2), frames=3)


def _other_rate(rig: Path) -> None:
    _noise(_camera(rig, 2), rate=Fraction(25))


def _other_size(rig: Path) -> None:
    _noise(_camera(rig, 2), width=80, height=80)


def _unrelated(rig: Path) -> None:
    for number in range(1, 5):
        _noise(_camera(rig, number))


def _pose(rig: Path, number: int, *, position: Sequence[float], orientation: Sequence[float] | None = None) -> None:
    models = json.loads((rig / "models.json").read_text())
    models[number - 1]["position"] = list(position)
    if orientation is not None:
        models[number - 1]["orientation"] = list(orientation)
    (rig / "models.json").write_text(json.dumps(models))


def _back_to_back(rig: Path) -> None:
    for number in (3, 4):
        _camera(rig, number).unlink()
    _pose(rig, 1, position=(0, 0, 0.5), orientation=(0, 0, 0))
    _pose(rig, 2, position=(0, 0, -0.5), orientation=(0, math.pi, 0))


def _one_place(rig: Path) -> None:
    for number in range(1, 5):
        _pose(rig, number, position=(0, 0, 0))


def _nothing(rig: Path) -> None:
    """The rig is as it should be."""


@pytest.mark.parametrize(
    ("spoil", "options", "code", "says"),
    [
        (_without_calibration, QUICK, FAILED, ("rig", "no calibration", "models.json")),
        (_half_calibration, QUICK, FAILED, ("models.json", "JSON")),
        (_empty, QUICK, FAILED, ("rig", "empty")),
        (_gone, QUICK, MISUSED, ("rig", "no such folder")),
        (_cut_off, QUICK, FAILED, ("camera_0002.mp4", "copy it again")),
        (_text, QUICK, FAILED, ("camera_0002.mp4", "cannot be opened")),
        (_no_bytes, QUICK, FAILED, ("camera_0002.mp4", "cannot be opened")),
        (_sound_alone, QUICK, FAILED, ("camera_0002.mp4", "no pictures")),
        (_one_left, QUICK, FAILED, ("only camera_0001", "at least 2")),
        (_short, QUICK, FAILED, ("camera_0002", "less than", "--frames 3")),
        (_other_rate, QUICK, FAILED, ("camera_0002", "25 fps", "20 fps")),
        (_other_size, QUICK, FAILED, ("camera_0002", "80x80", "64x48")),
        (_unrelated, QUICK, FAILED, ("nothing in common",)),
        (_unrelated, SEARCHED, FAILED, ("nothing in common", "calibration")),
        (_back_to_back, SEARCHED, FAILED, ("calibration",)),
        (_one_place, SEARCHED, FAILED, ("one place", "translations")),
        (_one_place, QUICK, FAILED, ("one place", "translations")),
        (_nothing, [*QUICK, "--hold-out", "nobody"], MISUSED, ("nobody", "camera_0004")),
        (
            _nothing,
            [*QUICK, *(w for n in (1, 2, 3) for w in ("--hold-out", f"camera_000{n}"))],
            MISUSED,
            ("at least 2",),
        ),
        (_nothing, [*QUICK, "--near", "5", "--far", "3"], MISUSED, ("--near 5", "--far 3")),
        (_nothing, [*QUICK, "--near", "0.01"], MISUSED, ("--near 0.01", "within the rig")),
        (_nothing, [*QUICK, "--start", "10"], MISUSED, ("10 s", "outside the footage")),
        (_nothing, [*QUICK, "--sound", "none.wav"], FAILED, ("none.wav", "--sound")),
        (_nothing, [*QUICK, "--sound", "camera_0001"], FAILED, ("camera_0001", "no sound")),
        (_nothing, [*QUICK, "--gop", "30"], MISUSED, ("--gop 30",)),
    ],
)
def test_one_line_and_an_exit_code(
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    options: list[str],
    code: int,
    says: tuple[str, ...],
) -> None:
    rig = tmp_path / "rig"
    shutil.copytree(small, rig)
    spoil(rig)
    out = tmp_path / "out"
    out.mkdir()
    done = run(capsys, "encode", rig, "--out", out / "show.lfv", *options)
    assert done.code == code, done.err
    for words in says:
        assert words in done.error
    assert "; " in done.error, "what to do about it"
    assert list(out.iterdir()) == []


def test_a_camera_without_footage_is_told_and_left_out(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig, out = tmp_path / "rig", tmp_path / "show.lfv"
    shutil.copytree(small, rig)
    _camera(rig, 2).unlink()
    _noise(rig / "spare.mp4")
    done = run(capsys, "encode", rig, "--out", out, *QUICK, "--frames", "1")
    assert done.code == 0 and "3 cameras" in done.err
    assert "left out: camera_0002 is calibrated but has no footage" in done.err
    assert "left out: spare.mp4 has no calibration" in done.err
    cameras = json.loads(run(capsys, "inspect", out, "--json").out)["cameras"]
    assert [camera["name"] for camera in cameras] == ["camera_0001", "camera_0003", "camera_0004"]
    assert run(capsys, "encode", rig, "--out", out, *QUICK, "--hold-out", "camera_0002").code == MISUSED


def test_footage_that_is_damaged_in_the_middle(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was complete before stays; with the footage repaired the same command goes on, or says why not."""
    rig, out = tmp_path / "rig", tmp_path / "show.lfv"
    shutil.copytree(small, rig)
    whole = _camera(rig, 3).read_bytes()
    _spoil_frame(_camera(rig, 3), 3)
    done = run(capsys, "encode", rig, "--out", out, *QUICK)
    assert done.code == FAILED and "camera_0003: frame 2 (0.1000 s)" in done.error and "export" in done.error
    # Frame 3 is damaged: decoders work ahead, and what they were asked for is named.
    assert not out.exists() and partial_path(out).stat().st_size > 1000
    _camera(rig, 3).write_bytes(whole)
    other = run(capsys, "encode", rig, "--out", out, *QUICK)
    assert other.code == MISUSED and "--restart" in other.error
    assert run(capsys, "encode", rig, "--out", out, *QUICK, "--restart").code == 0
    assert run(capsys, "verify", out).code == 0


def _spoil_frame(path: Path, number: int) -> None:
    """Gives a coded frame a length that cannot be."""
    with av.open(path) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)
        at = packets[number].pos
    data = bytearray(path.read_bytes())
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("out", "code", "says"),
    [
        ("none/show.lfv", MISUSED, "is not a folder"),
        (".", MISUSED, "is a folder"),
        ("note.txt/show.lfv", MISUSED, "folder"),
    ],
)
def test_places_that_a_show_cannot_go_to(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, code: int, says: str
) -> None:
    (tmp_path / "note.txt").write_text("a note")
    done = run(capsys, "encode", small, "--out", tmp_path / out, *QUICK)
    assert done.code == code and says in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_second_encode_of_the_same_show(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "show.lfv"
    with PartialShow.open_or_create(out, fingerprint=b"another process"):
        done = run(capsys, "encode", small, "--out", out, *QUICK)
        assert done.code == FAILED and "another lfv" in done.error
        assert run(capsys, "encode", small, "--out", out, *QUICK, "--restart").code == FAILED
    assert not out.exists()


def test_a_journal_that_is_none(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "show.lfv"
    partial_path(out).write_text("My notes of the shoot, which nobody may lose.\n" * 10)
    done = run(capsys, "encode", small, "--out", out, *QUICK)
    assert done.code in (FAILED, MISUSED) and partial_path(out).name in done.error
    assert "My notes" in partial_path(out).read_text()


def test_evaluating_with_what_does_not_belong_to_the_show(
    small: Path, still: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "views.json").write_text('[{"frame": 0}]')
    for arguments, code in (
        (("--rig", still), FAILED),
        (("--rig", tmp_path / "none"), MISUSED),
        (("--views", tmp_path / "none.json"), MISUSED),
        (("--views", tmp_path / "views.json"), FAILED),
        (("--rig", small, "--rung", "none"), MISUSED),
    ):
        done = run(capsys, "evaluate", tiny_show, *arguments)
        assert done.code == code and done.error, arguments
