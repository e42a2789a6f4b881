"""A rig's folder becomes a show, the show is checked, judged and played: dome, plane, still."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from encoder.capture.footage import open_footage
from encoder.capture.pictures import read_picture
from encoder.rig.rig import centres, moved, read_rig
from player.composite.view import head_view
from player.feed import ShowFeed
from player.frames import FrameReading, read_frames
from player.headless import HeadlessRenderer
from protocol.container import open_show
from protocol.geometry import Array
from tests.end_to_end.commands import QUICK, run
from tests.end_to_end.conftest import HELD_OUT

pytestmark = pytest.mark.slow


def test_the_show_holds_all_frames_at_the_footages_own_times(dome: Path, show: Path) -> None:
    footage = open_footage(read_rig(dome).cameras)
    with open_show(show) as opened:
        m = opened.manifest
        chunks = [opened.read_chunk(number, 0) for number in range(len(opened.index.chunks))]
        frames = list(read_frames(ShowFeed(opened, 0), 0, FrameReading()))
    assert m.frame_rate == Fraction(20) and m.duration == Fraction(1, 4)
    assert [len(chunk.frame_times) for chunk in chunks] == [2, 2, 1]
    times = [time for chunk in chunks for time in chunk.frame_times]
    assert times == list(footage.timestamps) == [Fraction(k, 20) for k in range(5)]
    assert [(frame.index, frame.time) for frame in frames] == list(enumerate(times))
    for chunk, following in itertools.pairwise(chunks):
        assert chunk.start + chunk.duration == following.start


def test_the_sound_runs_through_all_chunks(show: Path) -> None:
    with open_show(show) as opened:
        assert opened.manifest.sound is not None and opened.manifest.sound.channels == 2
        chunks = [opened.read_chunk(number, 0) for number in range(len(opened.index.chunks))]
    assert all(chunk.sound for chunk in chunks)
    stamps = [packet.pts_s for chunk in chunks for packet in chunk.sound]
    assert set(np.diff(stamps)) == {Fraction(1, 50)}
    # Decoders drop the pre-skip; what is left covers the show from its first moment to its last.
    assert stamps[0] <= 0 and stamps[-1] + Fraction(1, 50) >= Fraction(1, 4)


def test_the_show_keeps_where_the_rig_was(dome: Path, show: Path) -> None:
    rig = read_rig(dome)
    with open_show(show) as opened:
        m = opened.manifest
    assert m.units == "metres"
    np.testing.assert_allclose(m.T_show_rig[:3, :3] @ m.T_show_rig[:3, :3].T, np.eye(3), atol=1e-9)
    records = {record.name: record for record in m.cameras}
    assert {name for name, record in records.items() if record.held_out} == {HELD_OUT}
    for camera in rig.cameras:
        np.testing.assert_allclose(records[camera.name].T_show_camera, m.T_show_rig @ camera.T_rig_camera, atol=1e-9)
    # The dome looks along its own axis, which is forward: -z. Its middle is the origin.
    shown = moved(rig, m.T_show_rig)
    forward = np.mean([camera.T_rig_camera[:3, 2] for camera in shown.cameras], axis=0)
    np.testing.assert_allclose(forward / np.linalg.norm(forward), [0, 0, -1], atol=0.15)
    assert np.linalg.norm(centres(shown).mean(axis=0)) < 0.1


def test_verify_and_inspect_agree_with_what_was_asked(show: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verified = run(capsys, "verify", show, "--json")
    report = json.loads(verified.out)
    assert verified.code == 0 and report["ok"] and report["chunks"] == 3 and report["pictures"] == 5
    assert report["bytes"] == show.stat().st_size
    inspected = run(capsys, "inspect", show, "--json")
    facts = json.loads(inspected.out)
    assert inspected.code == 0 and facts["file_bytes"] == show.stat().st_size
    assert (facts["frame_count"], facts["chunk_count"], facts["layer_count"]) == (5, 3, 6)
    assert (facts["near"], facts["far"]) == (0.8, 12.0)
    assert facts["encoder"]["solver"] == "descent" and facts["sound"]["codec"] == "opus"
    assert not show.with_name(show.name + ".partial").exists()


def test_a_camera_that_the_encoder_never_saw(
    dome: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(
        capsys, "evaluate", show, "--rig", dome, "--json", tmp_path / "figures.json", "--pictures", tmp_path / "seen"
    )
    assert done.code == 0 and "held out" in done.out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures["cameras"]) == [HELD_OUT]
    camera = figures["cameras"][HELD_OUT]
    assert camera["held_out"] is True and camera["frames"] == 5
    assert figures["mean"]["psnr"] == camera["psnr"] and figures["mean"]["ssim"] == camera["ssim"]
    assert camera["psnr"] > 20.5 and camera["ssim"] > 0.5
    assert camera["psnr"] > _psnr_of_its_mean_colour(dome) + 4
    assert figures["bits_per_second"] == pytest.approx(20 * figures["bits_per_frame"])
    assert figures["bits_per_frame"] * 5 / 8 < show.stat().st_size
    (stage,) = figures["stages"]
    assert stage["camera"] == HELD_OUT and stage["held_out"]
    # Six layers of twelve shells, a tiny picture: the full size meets half a dB each.
    assert stage["msi"] - stage["layers"] < 1.0 and stage["layers"] - stage["decoded"] < 0.5
    # From the chunk's mean to a single frame: the first may be off the mean, not far.
    assert abs(stage["decoded"] - camera["psnr"]) < 1.0
    assert len(list((tmp_path / "seen").glob(f"{HELD_OUT}_f*.png"))) == 5


def test_named_cameras_are_told_as_seen(
    dome: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("camera_0003", HELD_OUT)
    done = run(capsys, "evaluate", show, "--rig", dome, "--cameras", *names, "--json", tmp_path / "figures.json")
    cameras = json.loads((tmp_path / "figures.json").read_text())["cameras"]
    assert done.code == 0 and "seen" in done.out
    assert {name: figures["held_out"] for name, figures in cameras.items()} == {"camera_0003": False, HELD_OUT: True}
    assert cameras["camera_0003"]["psnr"] > cameras[HELD_OUT]["psnr"]
    wrong = run(capsys, "evaluate", show, "--rig", dome, "--cameras", "nobody")
    assert wrong.code == 2 and "nobody" in wrong.error


def test_views_that_are_no_rig_cameras(
    dome: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, "evaluate", show, "--views", dome / "test_views.json", "--json", tmp_path / "figures.json")
    assert done.code == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["cameras"]) == 6 and all(view["held_out"] is None for view in figures["cameras"].values())
    assert min(view["psnr"] for view in figures["cameras"].values()) > 20
    assert figures["mean"]["psnr"] > 22 and figures["stages"] == []


def test_no_hole_inside_the_comfort_volume(show: Path) -> None:
    with open_show(show) as opened, HeadlessRenderer(opened.manifest.projection, opened.manifest.rungs[0]) as renderer:
        low, high = np.array(opened.manifest.comfort_min), np.array(opened.manifest.comfort_max)
        assert (high - low).min() > 0.05
        for frame in list(read_frames(ShowFeed(opened, 0), 0, FrameReading()))[::2]:
            renderer.set_decoded(frame)
            for corner in _corners(low, high):
                view = head_view(_at(corner), width=96, height=72, fov=np.radians(90.0))
                assert renderer.render(view)[..., 3].min() > 0.999


def test_playing_along_a_path_writes_pictures_that_move(
    show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, "play", show, "--headless", "--out", tmp_path / "tour", "--size", "96x72")
    assert done.code == 0 and "5 pictures of 96x72" in done.out
    pictures = [read_picture(path, owner="tour")[0] for path in sorted((tmp_path / "tour").glob("*.png"))]
    assert len(pictures) == 5 and all(picture.shape == (72, 96, 3) for picture in pictures)
    assert all(picture.std() > 15 for picture in pictures)
    # Head and scene move: no picture is its neighbour's copy, and none has nothing to do with it.
    changes = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(pictures)]
    assert all(0.05 < change < 40 for change in changes)


def test_a_rig_in_a_plane(planar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "planar.lfv"
    options = "--near 1 --far 12 --shells 16 --layers 8 --solver sweep --rate 25 --gop 0.1".split()
    assert run(capsys, "encode", planar, "--out", out, *options, "--hold-out", "camera_0003").code == 0
    with open_show(out) as show, HeadlessRenderer(show.manifest.projection, show.manifest.rungs[0]) as renderer:
        m = show.manifest
        assert m.projection.kind == "plane" and m.frame_rate == 25 and m.sound is None
        assert [entry.frame_count for entry in show.index.chunks] == [2, 1]
        renderer.set_decoded(next(read_frames(ShowFeed(show, 0), 0, FrameReading())))
        for corner in _corners(np.array(m.comfort_min), np.array(m.comfort_max)):
            # Narrow enough to stay inside the grid's edge as seen from there.
            view = head_view(_at(corner), width=64, height=48, fov=np.radians(30.0))
            assert renderer.render(view)[..., 3].min() > 0.999
    done = run(capsys, "evaluate", out, "--rig", planar, "--json", tmp_path / "figures.json")
    assert done.code == 0
    assert json.loads((tmp_path / "figures.json").read_text())["mean"]["psnr"] > 19
    assert run(capsys, "verify", out).code == 0


def test_a_still(still: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "still.lfv"
    assert run(capsys, "encode", still, "--out", out, *QUICK, "--title", "A room").code == 0
    assert run(capsys, "verify", out).code == 0
    with open_show(out) as show:
        m = show.manifest
        assert (m.title, m.frame_rate, m.frame_count, m.duration) == ("A room", None, 1, 1)
        assert {stage.held_out for stage in m.stages} == {False} and m.poster.startswith(b"\xff\xd8")
    done = run(capsys, "evaluate", out, "--rig", still, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert done.code == 0 and figures["temporal"] is None and len(figures["cameras"]) == 6
    played = run(capsys, "play", out, "--headless", "--out", tmp_path / "tour", "--size", "64x48", "--times", "0", "1")
    assert played.code == 0 and len(list((tmp_path / "tour").iterdir())) == 2


def test_two_encodes_are_the_same_to_the_byte(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "encode", small, "--out", tmp_path / "again.lfv", *QUICK).code == 0
    assert (tmp_path / "again.lfv").read_bytes() == tiny_show.read_bytes()


def _psnr_of_its_mean_colour(dome: Path) -> float:
    camera = next(camera for camera in read_rig(dome).cameras if camera.name == HELD_OUT)
    truth = next(iter(open_footage([camera]).frames())).images[HELD_OUT] / 255.0
    return float(-10 * np.log10(np.mean((truth - truth.mean(axis=(0, 1))) ** 2)))


def _corners(low: Array, high: Array) -> list[Array]:
    """The box's centre and corners, a little inside."""
    middle, half = (low + high) / 2, 0.98 * (high - low) / 2
    signs = np.stack(np.meshgrid(*3 * [[-1.0, 1.0]], indexing="ij"), axis=-1).reshape(-1, 3)
    return [middle, *(middle + half * sign for sign in signs)]


def _at(position: Array) -> Array:
    T = np.eye(4)
    T[:3, 3] = position
    return T
