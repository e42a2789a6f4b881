"""A camera that stands out from the others is named; cameras that differ in exposure, noise and gloss are not."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from encoder.calibration_check import misfits, missing_agreement, warn_of_misfits
from encoder.config import EncodeConfig
from encoder.msi.views import View, make_view
from encoder.rig.models import Pinhole
from encoder.shot import prepare
from protocol import geometry
from samples.make_rig import RigConfig, make_rig

WIDTH, HEIGHT, FOCAL, DEPTH = 192, 144, 120.0, 6.0
CAMERAS = 8


def _wall() -> tuple[list[View], dict[str, np.ndarray], np.ndarray]:
    """Cameras in a row before a wall, and points of the wall."""
    model = Pinhole(WIDTH, HEIGHT, (FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2))
    views, pictures = [], {}
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    for k, place in enumerate(np.linspace(-1.0, 1.0, CAMERAS)):
        views.append(
            make_view(f"c{k}", model, geometry.pose(np.diag([1.0, -1.0, -1.0]), np.array([place, 0.0, 0.0])), None)
        )
        x, y = place + (xs - WIDTH / 2) / FOCAL * DEPTH, (ys - HEIGHT / 2) / FOCAL * DEPTH
        colour = np.stack([np.sin(4.1 * x + y), np.cos(3.7 * x - 2.7 * y), np.sin(5.3 * x + 0.3 * y)], axis=-1)
        pictures[f"c{k}"] = np.round(128 + 80 * colour).astype(np.uint8)
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-4, 4, 4000), rng.uniform(-3, 3, 4000), np.full(4000, -DEPTH)], axis=-1)
    return views, pictures, points


def test_exposure_and_noise_are_no_misfit() -> None:
    views, pictures, points = _wall()
    rng = np.random.default_rng(1)
    filmed = {
        name: np.clip(picture * gain + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
        for (name, picture), gain in zip(pictures.items(), np.linspace(0.4, 1.1, CAMERAS), strict=True)
    }
    missing = missing_agreement(views, filmed, points)
    assert set(missing) == set(pictures) and max(missing.values()) < 0.05 and misfits(missing) == ()


def test_swapped_and_turned_cameras_stand_out(caplog: pytest.LogCaptureFixture) -> None:
    views, pictures, points = _wall()
    swapped = pictures | {"c2": pictures["c5"], "c5": pictures["c2"]}
    assert misfits(missing_agreement(views, swapped, points)) == ("c2", "c5")
    turned = pictures | {"c3": pictures["c3"][::-1, ::-1]}
    with caplog.at_level(logging.WARNING):
        warn_of_misfits(views, turned, points)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("c3 does not see") and said.endswith("--hold-out c3")


def test_where_all_are_wrong_none_stands_out(caplog: pytest.LogCaptureFixture) -> None:
    views, pictures, points = _wall()
    names = list(pictures)
    shuffled = {
        name: pictures[other] for name, other in zip(names, [names[k] for k in (5, 7, 6, 0, 1, 2, 4, 3)], strict=True)
    }
    with caplog.at_level(logging.WARNING):
        warn_of_misfits(views, shuffled, points)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("most cameras do not see")


def test_too_little_to_compare_is_no_misfit() -> None:
    views, pictures, points = _wall()
    assert missing_agreement(views, pictures, points[:100]) == {}
    assert missing_agreement(views[:2], pictures, points) == {}
    grey = {name: np.full_like(picture, 128) for name, picture in pictures.items()}
    assert missing_agreement(views, grey, points) == {} and misfits({}) == ()


def test_a_rig_with_two_cameras_swapped_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_rig(tmp_path, RigConfig(cameras=10, frames=1, width=160, height=120, views=0))
    config = EncodeConfig(shells=8, density=30.0)
    with caplog.at_level(logging.WARNING):
        prepare(tmp_path, config)
    assert not caplog.records
    calibration = tmp_path / "models.json"
    cameras = json.loads(calibration.read_text())
    first, second = cameras[2]["name"], cameras[7]["name"]
    cameras[2]["name"], cameras[7]["name"] = second, first
    calibration.write_text(json.dumps(cameras))
    with caplog.at_level(logging.WARNING):
        prepare(tmp_path, config)
    said = [record.getMessage().split()[0] for record in caplog.records]
    assert sorted(said) == sorted([first, second])
