"""`lfv inspect` of a rig: text, JSON, picture, and what it answers to wrong input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.cli import main
from tests.encoder.rig import calibrations

WriteFile = Callable[..., Path]


@pytest.fixture
def rig_folder(tmp_path: Path, write_image: WriteFile) -> Path:
    """A COLMAP rig of two cameras and 200 points."""
    folder = tmp_path / "rig"
    calibrations.colmap_text(folder)
    for name in (*calibrations.NAMES, "spare"):
        write_image(folder / "images" / f"{name}.png")
    return folder


def test_the_text_and_the_picture(
    rig_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", str(rig_folder)]) == 0
    text = capsys.readouterr().out
    for words in ("2 cameras (COLMAP text)", "pinhole", "radtan", "nearest neighbour 1.000", "shells", "spare.png"):
        assert words in text
    with av.open(str(tmp_path / "rig-rig.png")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (900, 1800, 3)
    assert (np.abs(picture.astype(int) - [0xF2, 0xB1, 0x3C]).max(axis=-1) < 60).sum() > 300


def test_json(rig_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(rig_folder), "--json", "--near", "2", "--far", "50"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["near"] == 2.0 and facts["far"] == 50.0 and facts["near_far_source"] == "given"
    assert facts["shells"] == 1 + np.ceil(0.5 * 20.0 * (1 / 2 - 1 / 50))
    assert [camera["name"] for camera in facts["cameras"]] == ["left", "right"]
    assert facts["unmatched"] == ["images/spare.png has no calibration"]
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 2, "there is no such folder or file"),
        (["{rig}", "--near", "5", "--far", "2"], 2, "not nearer"),
        (["{empty}"], 1, "the folder is empty"),
        (["{rig}", "--picture", "{empty}/no/such/place.png"], 1, "place.png"),
    ],
)
def test_wrong_input_is_one_line(
    rig_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    given = [argument.format(rig=rig_folder, empty=tmp_path / "empty") for argument in arguments]
    assert main(["inspect", *given]) == code
    errors = capsys.readouterr().err
    assert errors.startswith("lfv: error: ") and words in errors and errors.count("\n") == 1
