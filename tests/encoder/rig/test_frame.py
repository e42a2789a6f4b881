"""The show's frame, the kind of shells, what is seen, and near and far."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.rig.camera import Camera
from encoder.rig.depth_range import near_far, near_far_from_points
from encoder.rig.frame import choose_shell_kind, show_frame
from encoder.rig.models import CameraModel, KannalaBrandt, Pinhole
from encoder.rig.rig import Rig, centres, moved
from encoder.rig.view import angular_window, field_of_view, native_density
from protocol.geometry import T_WORLD_FORWARD_CAMERA, Array, inverse, pose, rotation_from_angle_axis, transform

NARROW = Pinhole(400, 300, (300.0, 300.0, 200.0, 150.0))
WIDE = KannalaBrandt(400, 400, (100.0, 100.0, 200.0, 200.0, 0.0, 0.0, 0.0, 0.0))  # 229 degrees across.


def _rig(poses: list[Array], model: CameraModel, points: Array | None = None) -> Rig:
    cameras = tuple(Camera(f"c{i}", model, T, (Path(f"c{i}.png"),)) for i, T in enumerate(poses))
    return Rig("made", cameras, points, "metres", (), "made")


def _turned(longitude: float, latitude: float = 0.0, *, radius: float = 0.5) -> Array:
    """A camera on a sphere about the origin of the world that looks outwards; longitude to the right, radians."""
    R = rotation_from_angle_axis(np.array([0.0, -longitude, 0.0])) @ rotation_from_angle_axis(
        np.array([latitude, 0.0, 0.0])
    )
    T = pose(R, np.zeros(3)) @ T_WORLD_FORWARD_CAMERA
    T[:3, 3] = radius * T[:3, 2]
    return T


def _row(count: int = 5) -> list[Array]:
    return [pose(np.diag([1.0, -1.0, -1.0]), np.array([x, 0.0, 0.0])) for x in np.linspace(-1, 1, count)]


@given(
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(-50, 50)] * 3),
)
def test_the_show_frame_does_not_depend_on_the_rigs_own_frame(
    turn: tuple[float, float, float], shift: tuple[float, float, float]
) -> None:
    rig = _rig([_turned(a, b) for a in (-0.5, 0.1, 0.6) for b in (-0.4, 0.3)], WIDE)
    T_other_rig = pose(rotation_from_angle_axis(np.array(turn)), np.array(shift))
    expected = centres(moved(rig, show_frame(rig)))
    other = moved(rig, T_other_rig)
    T = show_frame(other)
    np.testing.assert_allclose(T @ inverse(T), np.eye(4), atol=1e-9)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(centres(moved(other, T)), expected, atol=1e-9)
    np.testing.assert_allclose(expected.mean(axis=0), 0.0, atol=1e-12)


def test_forward_is_minus_z_and_up_is_y() -> None:
    rig = moved(_rig(_row(), NARROW), pose(rotation_from_angle_axis(np.array([0.3, 1.0, -0.2])), np.ones(3)))
    for camera in moved(rig, show_frame(rig)).cameras:
        np.testing.assert_allclose(camera.T_rig_camera[:3, :3], T_WORLD_FORWARD_CAMERA[:3, :3], atol=1e-9)


def test_where_cameras_look_all_around_the_first_looks_forward() -> None:
    rig = _rig([_turned(a + 0.7) for a in np.linspace(0, 2 * math.pi, 4, endpoint=False)], WIDE)
    first = moved(rig, show_frame(rig)).cameras[0].T_rig_camera
    np.testing.assert_allclose(first[:3, 2], [0, 0, -1], atol=1e-9)
    np.testing.assert_allclose(first[:3, 1], [0, -1, 0], atol=1e-9)


def test_flat_rigs_get_planes_and_domes_spheres() -> None:
    assert choose_shell_kind(_rig(_row(), NARROW)) == "plane"
    assert choose_shell_kind(_rig([_turned(a) for a in (-0.5, 0.0, 0.5)], NARROW)) == "plane"
    assert choose_shell_kind(_rig(_row(), WIDE)) == "sphere"
    assert choose_shell_kind(_rig([_turned(a) for a in (-1.2, 0.0, 1.2)], NARROW)) == "sphere"


def test_field_of_view_and_density() -> None:
    across, down = field_of_view(NARROW)
    assert math.degrees(across) == pytest.approx(2 * math.degrees(math.atan(2 / 3)), abs=0.3)
    assert math.degrees(down) == pytest.approx(2 * math.degrees(math.atan(0.5)), abs=0.3)
    assert math.degrees(field_of_view(WIDE)[0]) == pytest.approx(math.degrees(4.0), abs=1.0)
    rig = _rig(_row(3), NARROW)
    assert native_density(rig.cameras) == pytest.approx(300.0, rel=1e-6)


@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_the_window_holds_all_that_is_seen(kind: str, rng: np.random.Generator) -> None:
    model = NARROW if kind == "plane" else WIDE
    rig = _rig(_row() if kind == "plane" else [_turned(a, 0.3) for a in (-0.6, 0.0, 0.6)], model)
    near, far = 2.0, 40.0
    window = angular_window(rig.cameras, "plane" if kind == "plane" else "sphere", near=near, far=far, density=100.0)
    for camera in rig.cameras:
        rays, _ = model.unproject(rng.random((2000, 2)) * [model.width, model.height])
        # Points between the first and the last shell along each pixel's ray.
        points = transform(camera.T_rig_camera, rays * rng.uniform(near + 1.1, far - 1.0, (2000, 1)))
        xy, disparity = window.locate(points)
        seen = (disparity > 1 / far) & (disparity < 1 / near)
        assert ((xy[seen] >= 0) & (xy[seen] <= [window.width, window.height])).all()
    assert window.wraps == (kind == "sphere")


def test_the_window_of_a_cap_leaves_out_what_is_behind() -> None:
    rig = _rig([_turned(a) for a in (-0.3, 0.0, 0.3)], NARROW)
    window = angular_window(rig.cameras, "sphere", near=2.0, far=50.0, density=50.0)
    assert not window.wraps
    assert 1.6 < window.width / window.density < 2.4
    assert -1.2 < window.left < -0.8
    narrower = angular_window(rig.cameras, "sphere", near=2.0, far=50.0, density=50.0, seen_by=3)
    assert narrower.width < window.width


def test_a_window_across_the_back_starts_left_of_it() -> None:
    rig = _rig([_turned(math.pi + a) for a in (-0.2, 0.2)], NARROW)
    window = angular_window(rig.cameras, "sphere", near=2.0, far=50.0, density=50.0)
    xy, _ = window.locate(np.array([[0.3, 0.0, 9.0], [-0.3, 0.0, 9.0]]))
    assert ((xy > 0) & (xy < [window.width, window.height])).all()
    assert window.width / window.density < 2.5


def test_near_and_far_leave_out_gross_outliers(rng: np.random.Generator) -> None:
    points = np.stack([rng.uniform(-5, 5, 3000), rng.uniform(-3, 3, 3000), rng.uniform(-20, -8, 3000)], axis=-1)
    noisy = np.concatenate([points, [[0.0, 0.0, -0.01], [0, 0, -9000.0], [3, 3, 50.0], [np.nan, 0, 0]]])
    found = near_far_from_points(noisy, "plane")
    assert found is not None
    assert 7.0 < found[0] < 8.1 and 20.0 < found[1] < 26.0
    spheres = near_far_from_points(noisy, "sphere")
    assert spheres is not None and spheres[0] < 8.5 < 20.0 < spheres[1]
    assert near_far_from_points(points[:5], "plane") is None


def test_the_calibrations_bounds_stand_in_for_points() -> None:
    rig = Rig("made", _rig(_row(), NARROW).cameras, None, "rig units", (), "made", (), (2.0, 30.0))
    assert near_far(rig, "plane") == (2.0, 30.0)
    assert near_far(_rig(_row(), NARROW), "plane") is None
