"""Every format, written small, gives the same rig; footage is found in the places where tools leave it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoder.rig.models import Pinhole
from encoder.rig.rig import read_rig
from protocol.errors import RigError
from tests.encoder.rig import calibrations

WriteFile = Callable[..., Path]
FORMATS = [
    (calibrations.broxton, "Broxton models.json", "kannala_brandt", "metres"),
    (calibrations.colmap_text, "COLMAP text", "pinhole", "rig units"),
    (calibrations.colmap_binary, "COLMAP binary", "kannala_brandt", "rig units"),
    (calibrations.transforms, "transforms.json", "pinhole", "rig units"),
    (calibrations.llff, "LLFF poses_bounds.npy", "pinhole", "rig units"),
    (calibrations.basalt, "basalt calibration.json", "double_sphere", "metres"),
    (calibrations.omnimvs, "OmniMVS config.yaml", "ocam", "metres"),
    (calibrations.caliscope, "caliscope camera_array.toml", "radtan", "metres"),
    (calibrations.qualisys, "Qualisys calibration", "radtan", "metres"),
]
every_format = pytest.mark.parametrize(
    ("write", "source", "kind", "units"), FORMATS, ids=lambda value: getattr(value, "__name__", "")
)
CAMERA_NAMES = {calibrations.basalt: ("cam0", "cam1"), calibrations.caliscope: ("cam_0", "cam_1")}


@every_format
def test_all_formats_give_the_same_rig(
    tmp_path: Path, write_image: WriteFile, write: WriteFile, source: str, kind: str, units: str
) -> None:
    write(tmp_path)
    names = CAMERA_NAMES.get(write, calibrations.NAMES)
    for name in names:
        write_image(tmp_path / "images" / f"{name}.png")
    rig = read_rig(tmp_path)
    assert (rig.source_format, rig.units, rig.unmatched) == (source, units, ())
    assert tuple(camera.name for camera in rig.cameras) == names
    for camera, centre in zip(rig.cameras, calibrations.CENTRES, strict=True):
        np.testing.assert_allclose(camera.T_rig_camera[:3, 3], centre, atol=1e-12)
        np.testing.assert_allclose(camera.T_rig_camera[:3, :3], np.eye(3), atol=1e-12)
        # All of the lenses are the same near the axis, and every convention of pixel centres ends at +0.5.
        pixels, valid = camera.model.project(np.array([[0, 0, 1], [0.001, -0.002, 1.0]]))
        assert valid.all()
        np.testing.assert_allclose(pixels, [[16.0, 12.0], [16.02, 11.96]], atol=1e-4)
        assert camera.files == (tmp_path / "images" / f"{camera.name}.png",)
    assert rig.cameras[0].model.kind == kind


@every_format
def test_cut_short_calibrations_are_one_clear_error(
    tmp_path: Path, write_image: WriteFile, write: WriteFile, source: str, kind: str, units: str
) -> None:
    path = write(tmp_path)
    for name in CAMERA_NAMES.get(write, calibrations.NAMES):
        write_image(tmp_path / "images" / f"{name}.png")
    whole = path.read_bytes()
    for share in (0.0, 0.2, 0.5, 0.8):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(RigError) as caught:
            read_rig(tmp_path)
        assert "\n" not in str(caught.value)
        assert "; " in str(caught.value)


def test_colmaps_points_and_models(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.colmap_text(tmp_path)
    for name in calibrations.NAMES:
        write_image(tmp_path / "images" / f"{name}.png")
    rig = read_rig(tmp_path)
    assert rig.points is not None and rig.points.shape == (200, 3)
    assert rig.cameras[1].model.kind == "radtan"
    assert rig.notes == ()


def test_llff_states_its_bounds(tmp_path: Path, write_video: WriteFile) -> None:
    calibrations.llff(tmp_path)
    for name in calibrations.NAMES:
        write_video(tmp_path / f"{name}.mp4")
    rig = read_rig(tmp_path)
    assert rig.depth_bounds == (1.5, 30.5)
    assert rig.cameras[1].files == tmp_path / "right.mp4"


def test_llff_without_one_file_per_row(tmp_path: Path, write_video: WriteFile) -> None:
    calibrations.llff(tmp_path)
    write_video(tmp_path / "left.mp4")
    with pytest.raises(RigError, match="2 cameras, but the footage is 1 files"):
        read_rig(tmp_path)


def test_videos_come_before_folders_and_folders_before_images(
    tmp_path: Path, write_image: WriteFile, write_video: WriteFile
) -> None:
    calibrations.broxton(tmp_path)
    for name in calibrations.NAMES:
        write_image(tmp_path / "images" / f"{name}.png")
    for frame in (0, 2, 10):
        write_image(tmp_path / "left" / f"{frame}.png")
    write_image(tmp_path / "left" / "mask.png")
    write_video(tmp_path / "videos" / "right.mp4")
    rig = read_rig(tmp_path)
    assert rig.cameras[0].files == tuple(tmp_path / "left" / f"{frame}.png" for frame in (0, 2, 10))
    assert rig.cameras[0].mask == tmp_path / "left" / "mask.png"
    assert rig.cameras[1].files == tmp_path / "videos" / "right.mp4"


def test_frames_in_a_folder_per_camera_are_one_camera(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.colmap_text(tmp_path, names=("left/000.png", "right/000.png"))
    for name in calibrations.NAMES:
        for frame in range(3):
            write_image(tmp_path / "images" / name / f"{frame:03}.png")
    rig = read_rig(tmp_path)
    assert [camera.name for camera in rig.cameras] == ["left", "right"]
    assert [len(camera.files) for camera in rig.cameras] == [3, 3]


def test_what_has_no_partner_is_said_and_left_out(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.colmap_text(tmp_path, names=("left.png", "right.png", "lost.png"))
    for name in (*calibrations.NAMES, "spare"):
        write_image(tmp_path / "images" / f"{name}.png")
    rig = read_rig(tmp_path)
    assert [camera.name for camera in rig.cameras] == ["left", "right"]
    assert rig.unmatched == ("lost is calibrated but has no footage", "images/spare.png has no calibration")


def test_footage_of_another_size_scales_the_model(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.transforms(tmp_path)
    for name in calibrations.NAMES:
        write_image(tmp_path / "images" / f"{name}.png", width=16, height=12)
    rig = read_rig(tmp_path)
    assert rig.cameras[0].model == Pinhole(16, 12, (10.0, 10.0, 8.0, 6.0))
    assert rig.notes == ("all cameras: calibrated at 32x24, footage 16x12; the model is scaled",)


def test_padding_of_a_coding_block_is_cut(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.transforms(tmp_path)
    for name in calibrations.NAMES:
        write_image(tmp_path / "images" / f"{name}.png", height=20)
    rig = read_rig(tmp_path)
    assert rig.cameras[0].model == Pinhole(32, 20, (20.0, 20.0, 16.0, 12.0))
    assert "taken as cut" in rig.notes[0]
