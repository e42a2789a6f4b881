"""The views from which cost is counted are those of SPEC 4.5."""

from __future__ import annotations

import math

import numpy as np
import pytest

from encoder.cost.eyes import HALF_FIELD, eyes_of
from protocol.projection import Projection
from tests.encoder.cost.meshes import BOX, DOME, PLANE

NARROW = Projection("plane", 64, 48, left=-0.7, top=0.4, density=50.0)
ROUND = Projection("sphere", 360, 180, left=-math.pi, top=math.pi / 2, density=180 / math.pi, wraps=True)


@pytest.mark.parametrize("projection", [PLANE, DOME, NARROW, ROUND])
def test_places_and_rotations(projection: Projection) -> None:
    eyes = eyes_of(projection, **BOX)
    assert len(eyes) == 45
    assert np.allclose(eyes.R_eye_show @ eyes.R_eye_show.swapaxes(1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(eyes.R_eye_show), 1)
    places = -(eyes.R_eye_show.swapaxes(1, 2) @ eyes.t_eye_show[:, :, None])[:, :, 0]
    assert np.allclose(places[:5], 0.5 * (BOX["comfort_min"] + BOX["comfort_max"]))
    corners = {tuple(np.round(place, 6)) for place in places[5:]}
    assert len(corners) == 8
    assert np.allclose(places[5:].min(axis=0), BOX["comfort_min"])
    assert np.allclose(places[5:].max(axis=0), BOX["comfort_max"])
    # No roll: what is right in the picture is level.
    assert np.allclose(eyes.R_eye_show[:, 0, 1], 0)


def directions(projection: Projection) -> np.ndarray:
    """(5, 2) longitude and latitude of the views from the middle, degrees."""
    x, y, z = eyes_of(projection, **BOX).R_eye_show[:5, 2].T
    return np.degrees(np.stack([np.arctan2(x, -z), np.arcsin(y)], axis=-1))


def test_views_reach_to_the_borders_of_the_show() -> None:
    left, right = math.degrees(DOME.left), math.degrees(DOME.left + DOME.width / DOME.density)
    low, high = math.degrees(DOME.top - DOME.height / DOME.density), math.degrees(DOME.top)
    half, a, b = math.degrees(HALF_FIELD), 0.5 * (left + right), 0.5 * (low + high)
    expected = [(a, b), (left + half, b), (right - half, b), (a, low + half), (a, high - half)]
    assert directions(DOME) == pytest.approx(np.array(expected))


def test_all_around() -> None:
    expected = [(0, 0), (-130, 0), (130, 0), (0, -40), (0, 40)]
    assert directions(ROUND) == pytest.approx(np.array(expected), abs=1e-9)


def test_a_window_is_looked_at_straight() -> None:
    middle = math.degrees(0.5 * (math.atan(-0.7) + math.atan(-0.7 + 64 / 50)))
    up = math.degrees(0.5 * (math.atan(0.4) + math.atan(0.4 - 48 / 50)))
    assert directions(NARROW) == pytest.approx(np.array([(middle, up)] * 5))
