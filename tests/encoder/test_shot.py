"""What is fixed before solving: the head box, rigs that cannot be used, and the range of real rigs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from encoder.config import EncodeConfig
from encoder.rig.camera import Camera
from encoder.rig.models import Pinhole
from encoder.rig.rig import Rig
from encoder.shot import comfort_box, looks_inward, prepare
from protocol import geometry
from protocol.errors import RigError, UsageError


def ring(*, inward: bool, count: int = 6, radius: float = 1.0) -> Rig:
    """Cameras on a circle that look towards its centre or away from it."""
    model = Pinhole(64, 48, (40.0, 40.0, 32.0, 24.0))
    cameras = []
    for k in range(count):
        angle = 2 * np.pi * k / count
        turn = geometry.rotation_from_angle_axis(np.array([0.0, angle, 0.0]))
        place = turn @ np.array([0.0, 0.0, radius if inward else -radius])
        pose = geometry.pose(turn @ np.diag([1.0, -1.0, -1.0]), place)
        cameras.append(Camera(f"c{k}", model, pose, ()))
    return Rig("ring", tuple(cameras), None, "metres", (), "none")


def test_cameras_around_a_subject_look_inward() -> None:
    assert looks_inward(ring(inward=True))
    assert not looks_inward(ring(inward=False))


def test_head_box_lies_within_the_cameras_and_short_of_the_nearest_surface() -> None:
    low, high = comfort_box(ring(inward=False), 10.0, "sphere")
    assert np.allclose(high[[0, 2]], 0.8 * np.array([np.sin(np.pi / 3), 1.0]), atol=1e-6) and np.allclose(low, -high)
    assert 0 < high[1] < high[0]
    low, high = comfort_box(ring(inward=False), 1.1, "sphere")
    assert np.linalg.norm(high) <= 0.825 + 1e-9 and np.linalg.norm(low) <= 0.825 + 1e-9


def test_a_rig_that_looks_inward_ends_in_one_error(shared_data: Path) -> None:
    with pytest.raises(RigError, match="look inward"):
        prepare(shared_data / "pose2sim_beam", EncodeConfig(scale=Fraction(1, 4), frames=1))


def test_unknown_and_too_many_held_out_cameras_are_refused(shared_data: Path) -> None:
    folder = shared_data / "kaist_lobby"
    with pytest.raises(UsageError, match="no such camera"):
        prepare(folder, EncodeConfig(hold_out=("cam9",)))
    with pytest.raises(UsageError, match="at least 2"):
        prepare(folder, EncodeConfig(hold_out=("cam0", "cam1", "cam2")))


@pytest.mark.parametrize(("name", "nearest"), [("kaist_lobby", (0.2, 0.95)), ("omnimvs_itbt", (0.35, 1.5))])
def test_fisheye_rigs_tell_their_range(shared_data: Path, name: str, nearest: tuple[float, float]) -> None:
    shot = prepare(shared_data / name, EncodeConfig(scale=Fraction(1, 4), frames=1, image_rate=Fraction(30)))
    assert nearest[0] < shot.near < nearest[1]
    assert shot.far > 10
    assert shot.projection.wraps
    assert shot.reach < shot.near
    assert all(view.gain is not None and view.gain.min() > 0.5 for view in shot.sources)
