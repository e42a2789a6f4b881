"""Laws of poses and rotations."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protocol.geometry import (
    angle_axis_from_rotation,
    inverse,
    pose,
    quaternion_from_rotation,
    rotation_from_angle_axis,
    rotation_from_quaternion,
    transform,
)

coordinates = st.floats(-10, 10)
vectors = st.tuples(coordinates, coordinates, coordinates).map(np.array)
# Up to half a turn an angle axis is unique; beyond it the same rotation has a shorter one.
half_turns = vectors.filter(lambda v: np.linalg.norm(v) > 1e-6).flatmap(
    lambda v: st.floats(0, math.pi - 1e-4).map(lambda angle: angle * v / np.linalg.norm(v))
)


@given(vectors, vectors, vectors)
def test_the_inverse_of_a_pose_takes_points_back(turn: np.ndarray, shift: np.ndarray, point: np.ndarray) -> None:
    T_a_b = pose(rotation_from_angle_axis(turn), shift)
    assert np.allclose(transform(inverse(T_a_b), transform(T_a_b, point)), point, atol=1e-9)
    assert np.allclose(inverse(T_a_b) @ T_a_b, np.eye(4), atol=1e-9)


@given(vectors, vectors, vectors, vectors, vectors)
def test_poses_compose(a: np.ndarray, b: np.ndarray, s: np.ndarray, t: np.ndarray, point: np.ndarray) -> None:
    T_1_2, T_2_3 = pose(rotation_from_angle_axis(a), s), pose(rotation_from_angle_axis(b), t)
    assert np.allclose(transform(T_1_2 @ T_2_3, point), transform(T_1_2, transform(T_2_3, point)), atol=1e-9)


@given(vectors)
def test_rotations_are_rotations(vector: np.ndarray) -> None:
    R = rotation_from_angle_axis(vector)
    assert np.allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert math.isclose(np.linalg.det(R), 1.0, abs_tol=1e-12)
    assert np.allclose(R @ vector, vector, atol=1e-9)


@given(half_turns)
def test_angle_axes_round_trip(vector: np.ndarray) -> None:
    assert np.allclose(angle_axis_from_rotation(rotation_from_angle_axis(vector)), vector, atol=1e-7)


@given(vectors)
def test_quaternions_round_trip(vector: np.ndarray) -> None:
    R = rotation_from_angle_axis(vector)
    q = quaternion_from_rotation(R)
    assert math.isclose(float(np.linalg.norm(q)), 1.0, abs_tol=1e-12)
    assert q[0] >= 0
    assert np.allclose(rotation_from_quaternion(q), R, atol=1e-12)


def test_a_quarter_turn_about_y_takes_forward_to_the_left() -> None:
    R = rotation_from_angle_axis(np.array([0.0, math.pi / 2, 0.0]))
    assert np.allclose(R @ [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0])
    assert np.allclose(quaternion_from_rotation(R), [math.sqrt(0.5), 0.0, math.sqrt(0.5), 0.0])
