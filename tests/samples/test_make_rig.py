"""The folder that `samples.make_rig` writes: its layout, its exactness, and that the rig reader understands it."""

from __future__ import annotations

import json
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.rig.rig import read_rig
from samples.make_head_path import looking_about
from samples.make_rig import RigConfig, main, make_rig, place_cameras
from samples.scene import room
from samples.trace import render

SMALL = RigConfig(
    cameras=3, frames=3, width=64, height=48, views=2, view_size=32, sound=True, distortion=(-0.02, 0.003)
)


@pytest.fixture(scope="module")
def small_rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small") / "rig"
    make_rig(out, SMALL)
    return out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _png(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_layout(small_rig: Path) -> None:
    expected = {"models.json", "test_views.json", "sound.wav", *(f"camera_{i:04d}.mp4" for i in (1, 2, 3))}
    for name in ("view_00", "view_01"):
        for frame in (0, 1, 2):
            expected |= {f"test_views/{name}_f{frame:02d}.png", f"test_depth/{name}_f{frame:02d}.npz"}
    assert set(_files(small_rig)) == expected
    views = json.loads((small_rig / "test_views.json").read_text())
    assert len(views) == 6
    for view in views:
        assert _png(small_rig / view["file"]).shape == (view["height"], view["width"], 3)
        depth = np.load((small_rig / view["file"]).parents[1] / "test_depth" / f"{Path(view['file']).stem}.npz")[
            "depth"
        ]
        assert depth.shape == (32, 32)
        assert depth.min() > 0.3


def test_the_same_options_give_the_same_bytes(small_rig: Path, tmp_path: Path) -> None:
    make_rig(tmp_path / "again", SMALL)
    assert _files(tmp_path / "again") == _files(small_rig)


def test_videos_hold_what_was_rendered_at_exact_times(small_rig: Path) -> None:
    camera = place_cameras(SMALL)[1]
    with av.open(str(small_rig / "camera_0002.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(i, 30) for i in range(3)]
    for index, frame in enumerate(frames):
        assert (frame.colorspace, frame.color_range) == (1, 1)
        truth = render(room(index / 30), camera).astype(float)
        shown = frame.to_ndarray(format="rgb24").astype(float)
        assert np.abs((shown - truth).mean(axis=(0, 1))).max() < 2.0
        assert np.sqrt(np.mean((shown - truth) ** 2)) < 9.0


def test_the_encoder_reads_the_rig_as_it_was_made(small_rig: Path) -> None:
    rig = read_rig(small_rig)
    made = place_cameras(SMALL)
    assert [camera.name for camera in rig.cameras] == [camera.name for camera in made]
    rng = np.random.default_rng(0)
    for read, camera in zip(rig.cameras, made, strict=True):
        points = camera.centre + rng.normal(size=(50, 3)) * 0.6 @ camera.T_world_camera[:3, :3].T
        points += 1.5 * camera.T_world_camera[:3, 2]
        # The reader keeps the file's world; the camera frames are the same.
        in_camera = (points - camera.centre) @ camera.T_world_camera[:3, :3]
        pixels, valid = read.model.project(in_camera)
        assert valid.all()
        assert np.abs(pixels - camera.project(points)).max() < 1e-6
        assert np.abs(read.T_rig_camera - camera.T_world_camera).max() < 1e-9


def test_a_planar_still_is_written_as_pictures(tmp_path: Path) -> None:
    arguments = "--rig planar --cameras 4 --frames 1 --size 32x32 --views 1 --view-size 16 --samples 1".split()
    assert main([str(tmp_path / "still"), *arguments]) == 0
    assert {f"camera_{i:04d}/000000.png" for i in (1, 2, 3, 4)} <= set(_files(tmp_path / "still"))
    models = json.loads((tmp_path / "still" / "models.json").read_text())
    assert {model["projection_type"] for model in models} == {"pinhole"}
    assert np.ptp([model["position"][0] for model in models]) > 0.05
    assert len(read_rig(tmp_path / "still").cameras) == 4


def test_sound_is_as_long_as_the_pictures(small_rig: Path) -> None:
    with wave.open(str(small_rig / "sound.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 48000, 4800)
        samples = np.frombuffer(file.readframes(4800), "<i2")
    assert np.abs(samples).max() > 8000


@pytest.mark.parametrize("size", ["320", "321x240", "320x8", "ax3"])
def test_bad_sizes_are_refused(size: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path), "--size", size])
    assert stop.value.code == 2


def test_the_head_path_closes_and_keeps_near() -> None:
    trace = looking_about(reach=0.1, seconds=2.0)
    assert np.linalg.norm(trace.positions, axis=1).max() <= 0.1
    assert np.allclose(np.linalg.norm(trace.quaternions, axis=1), 1.0)
    steps = np.linalg.norm(np.diff(trace.positions, axis=0, append=trace.positions[:1]), axis=1)
    assert steps.max() < 3 * steps.mean()
