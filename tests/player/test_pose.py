"""Head paths, the comfort volume, and moving by mouse and keyboard."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.pose.comfort import ComfortBox, clamped, fade, outside
from player.pose.fly import FlyHead, centred, head_pose, moved, shifted, turned
from player.pose.trace import COLUMNS, Trace, circle, pose_at, read_trace, slerp, write_trace
from protocol.errors import StorageError, UsageError
from protocol.geometry import quaternion_from_rotation, rotation_from_angle_axis

BOX = ComfortBox(low=np.array([-0.3, -0.2, -0.1]), high=np.array([0.3, 0.2, 0.1]))
vectors = st.tuples(*[st.floats(-2, 2)] * 3).map(np.array)
HEADER = ",".join(COLUMNS)


def test_poses_between_rows_are_half_way() -> None:
    turn = rotation_from_angle_axis(np.array([0.0, 1.0, 0.0]))
    quaternions = np.array([[1.0, 0, 0, 0], -quaternion_from_rotation(turn)])
    trace = Trace(np.array([1.0, 3.0]), np.array([[0.0, 0, 0], [0.2, 0.4, 0]]), quaternions)
    middle = pose_at(trace, 2.0)
    np.testing.assert_allclose(middle[:3, 3], [0.1, 0.2, 0.0])
    np.testing.assert_allclose(middle[:3, :3], rotation_from_angle_axis(np.array([0.0, 0.5, 0.0])), atol=1e-12)
    np.testing.assert_allclose(pose_at(trace, 99.0)[:3, :3], turn, atol=1e-12)
    np.testing.assert_allclose(pose_at(trace, -99.0), np.eye(4), atol=1e-12)


@given(vectors, vectors, st.floats(0, 1))
def test_slerp_turns_at_an_even_rate(a: np.ndarray, b: np.ndarray, f: float) -> None:
    p, q = (quaternion_from_rotation(rotation_from_angle_axis(v)) for v in (a, b))
    m = slerp(p, q, f)
    assert math.isclose(np.linalg.norm(m), 1.0, rel_tol=1e-9)
    whole = 2 * math.acos(min(1.0, abs(float(p @ q))))
    part = 2 * math.acos(min(1.0, abs(float(p @ m))))
    assert math.isclose(part, f * whole, abs_tol=1e-4)


def test_traces_survive_a_file(tmp_path: Path) -> None:
    trace = circle(BOX.low, BOX.high, duration_s=1.0)
    write_trace(tmp_path / "head.csv", trace)
    back = read_trace(tmp_path / "head.csv")
    np.testing.assert_array_equal(back.times, trace.times)
    np.testing.assert_array_equal(back.positions, trace.positions)
    assert all(outside(BOX, p) == 0 and fade(BOX, p) == 1 for p in back.positions)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,x,y,z\n0,0,0,0\n", "lacks the columns qw, qx, qy, qz"),
        (f"{HEADER}\n", "no poses"),
        (f"{HEADER}\n0,0,0,0,1,0,0,0\n1,0,zero,0,1,0,0,0\n", "line 3 is not eight numbers"),
        (f"{HEADER}\n0,0,0,0,1,0\n", "line 2 is not eight numbers"),
        (f"{HEADER}\n0,0,0,0,0,0,0,0\n", "line 2 has no usable orientation"),
        (f"{HEADER}\n0,nan,0,0,1,0,0,0\n", "line 2 has no usable"),
        (f"{HEADER}\n1,0,0,0,1,0,0,0\n1,0,0,0,1,0,0,0\n", "t must increase"),
        ("\x00\udcff", "no CSV file"),
        ("", "lacks the columns"),
    ],
)
def test_wrong_traces_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "head.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=message):
        read_trace(path)


def test_missing_trace_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_trace(tmp_path / "none.csv")


@given(vectors)
def test_clamping_stays_inside_and_is_nearest(position: np.ndarray) -> None:
    inside = clamped(BOX, position)
    assert outside(BOX, inside) == 0
    assert np.array_equal(clamped(BOX, inside), inside)
    assert math.isclose(outside(BOX, position), np.linalg.norm(position - inside))


@given(vectors, st.floats(0, 1))
def test_pictures_only_fade_on_the_way_out(position: np.ndarray, share: float) -> None:
    assert fade(BOX, share * position) >= fade(BOX, position) - 1e-12
    assert 0 <= fade(BOX, position) <= 1


def test_fade_is_full_inside_and_black_outside() -> None:
    assert fade(BOX, np.zeros(3)) == 1
    assert fade(BOX, np.array([0.24, 0, 0])) == 1
    assert 0 < fade(BOX, np.array([0.3, 0, 0])) < 1
    assert fade(BOX, np.array([0.4, 0, 0])) == 0
    flat = ComfortBox(low=np.array([-1.0, 0, 0]), high=np.array([1.0, 0, 0]))
    assert fade(flat, np.array([0.0, 0.5, 0.0])) == 1


def test_heads_look_where_they_are_turned() -> None:
    right = head_pose(turned(FlyHead(), right=math.pi / 2, up=0))
    np.testing.assert_allclose(right[:3, :3] @ [0, 0, -1], [1, 0, 0], atol=1e-12)
    up = head_pose(turned(FlyHead(), right=0, up=math.pi / 4))
    np.testing.assert_allclose(up[:3, :3] @ [0, 0, -1], [0, math.sqrt(0.5), -math.sqrt(0.5)], atol=1e-12)


@given(st.frozensets(st.sampled_from("wxadecq")), st.floats(0, 10), st.floats(-4, 4), st.floats(-2, 2))
def test_moving_never_leaves_the_comfort_box(keys: frozenset[str], seconds: float, right: float, up: float) -> None:
    head = moved(turned(centred(BOX), right=right, up=up), BOX, keys, seconds=seconds)
    assert outside(BOX, np.array(head.position)) == 0
    assert abs(head.pitch) < math.pi / 2
    assert outside(BOX, np.array(shifted(head, BOX, right=right, up=up, forward=seconds).position)) == 0


def test_forward_follows_the_yaw() -> None:
    head = moved(turned(FlyHead(), right=math.pi / 2, up=1.0), BOX, frozenset("w"), seconds=0.5)
    np.testing.assert_allclose(head.position, [0.15, 0, 0], atol=1e-12)
