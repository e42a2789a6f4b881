"""Wrong rigs: one clear line each, with the mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder.rig.rig import read_rig
from protocol.errors import LfvError, RigError, UsageError
from tests.encoder.rig import calibrations

WriteFile = Callable[..., Path]


def _refused(folder: Path, kind: type[LfvError] = RigError) -> str:
    with pytest.raises(kind) as caught:
        read_rig(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_such_folder(tmp_path: Path) -> None:
    assert "no such folder" in _refused(tmp_path / "nowhere", UsageError)


def test_a_file_is_no_rig(tmp_path: Path) -> None:
    (tmp_path / "show.lfv").write_bytes(b"")
    assert "not a folder" in _refused(tmp_path / "show.lfv", UsageError)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "empty" in _refused(tmp_path)


def test_no_calibration_lists_what_was_looked_for(tmp_path: Path, write_image: WriteFile) -> None:
    write_image(tmp_path / "left.png")
    message = _refused(tmp_path)
    for known in ("models.json", "COLMAP", "transforms.json", "poses_bounds.npy", "camera_array.toml", "Qualisys"):
        assert known in message


def test_one_camera_is_no_rig(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.broxton(tmp_path)
    write_image(tmp_path / "left.png")
    message = _refused(tmp_path)
    assert "only left has both" in message and "right is calibrated but has no footage" in message


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("position", [0.0, "x", 0.0], "position"),
        ("position", [0.0, 0.0], "position: 3 numbers"),
        ("orientation", [float("nan"), 0.0, 0.0], "not finite"),
        ("focal_length", None, "focal_length"),
        ("focal_length", -3.0, "must be positive"),
        ("width", 32.5, "not a whole number"),
        ("projection_type", "spiral", "spiral"),
        ("name", 7, "'name'"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: object, words: str) -> None:
    path = calibrations.broxton(tmp_path)
    views = json.loads(path.read_text())
    views[1][field] = value
    path.write_text(json.dumps(views))
    message = _refused(tmp_path)
    assert words in message and str(path) in message


def test_a_pose_that_is_no_rotation(tmp_path: Path) -> None:
    path = calibrations.transforms(tmp_path)
    tree = json.loads(path.read_text())
    tree["frames"][0]["transform_matrix"][0][0] = 2.0
    path.write_text(json.dumps(tree))
    assert "not orthonormal" in _refused(tmp_path)
    tree["frames"][0]["transform_matrix"][0][0] = -1.0
    path.write_text(json.dumps(tree))
    assert "mirrors" in _refused(tmp_path)


def test_two_cameras_of_one_name(tmp_path: Path) -> None:
    path = calibrations.broxton(tmp_path)
    views = json.loads(path.read_text())
    path.write_text(json.dumps([views[0], views[0]]))
    assert "two cameras are called 'left'" in _refused(tmp_path)


def test_footage_of_another_shape(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.broxton(tmp_path)
    for name in calibrations.NAMES:
        write_image(tmp_path / f"{name}.png", width=64, height=24)
    message = _refused(tmp_path)
    assert "left is 64x24 here but was calibrated at 32x24" in message


def test_an_unreadable_video(tmp_path: Path, write_image: WriteFile) -> None:
    calibrations.broxton(tmp_path)
    (tmp_path / "left.mp4").write_bytes(b"no video at all" * 40)
    write_image(tmp_path / "right.png")
    message = _refused(tmp_path)
    assert "left.mp4" in message and "cannot be opened" in message


def test_an_unknown_colmap_model(tmp_path: Path) -> None:
    calibrations.colmap_text(tmp_path)
    (tmp_path / "sparse/0/cameras.txt").write_text("1 FOV 32 24 20 20 16 12 0.9\n")
    assert "'FOV' is not supported" in _refused(tmp_path)
