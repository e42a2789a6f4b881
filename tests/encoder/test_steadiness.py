"""Dips at borders and changes of still pixels, by figures that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.evaluate import Compared, Target
from encoder.rig.models import Pinhole
from encoder.steadiness import border_dips, steadiness, still_change
from player.composite.view import ModelView


def _pair(truth: np.ndarray, render: np.ndarray, *, mask: np.ndarray | None = None) -> Compared:
    height, width = truth.shape[:2]
    camera = ModelView(Pinhole(width, height, (50.0, 50.0, 1.0, 1.0)), np.eye(4))
    return Compared(
        Target("cam", True, 0, camera, truth, np.ones((height, width), bool) if mask is None else mask), render
    )


def test_dips_are_against_the_inside_of_both_chunks():
    assert border_dips(range(6), [30, 31, 28, 27, 29, 30], [3]) == {3: pytest.approx(2.5)}
    assert border_dips(range(6), [30, 31, 28, 27, 29, 30], []) == {}
    # Two borders; frames 4 and 5 are inside the middle chunk and count for both.
    found = border_dips(range(10), [30, 30, 29, 28, 32, 32, 31, 31, 34, 34], [3, 7])
    assert found == {3: pytest.approx(31 - 28.5), 7: pytest.approx(33 - 31)}


def test_borders_that_cannot_be_measured_are_left_out():
    assert border_dips(range(4), [30, 28, 28, 30], [1, 3]) == {}
    assert border_dips(range(3, 6), [30, 28, 30], [3]) == {}
    # Chunks of 1, 1 and 2 frames: only the last has a frame away from borders.
    assert border_dips(range(4), [30.0, 28.0, 27.0, 31.0], [1, 2]) == {2: pytest.approx(3.5)}
    assert border_dips([], [], [3]) == {}


@given(st.integers(1, 5), st.integers(3, 9), st.floats(10, 50), st.floats(-1, 1))
def test_a_slow_drift_is_no_dip(borders, frames, level, slope):
    count = (borders + 1) * frames
    psnr = [level + slope * frame for frame in range(count)]
    dips = border_dips(range(count), psnr, [frames * n for n in range(1, borders + 1)])
    # Inner chunks lose a frame at each end, outer ones at one end: off centre by less than a frame.
    assert len(dips) == borders and all(abs(dip) <= abs(slope) + 1e-9 for dip in dips.values())


def test_still_pixels_are_those_of_the_truth():
    truth = np.zeros((2, 3, 3), np.uint8)
    moved = truth + np.array([[[2], [3], [0]], [[0], [0], [0]]], np.uint8)
    render = truth + np.array([[[4], [100], [0]], [[2], [0], [50]]], np.uint8)
    mask = np.array([[True, True, True], [True, True, False]])
    # (0, 0) changes by 2 and 4, (1, 0) by 0 and 2, two do not change; (0, 1) moves, (1, 2) is masked.
    assert still_change(_pair(truth, truth), _pair(moved, render, mask=mask)) == (1.0, 5.0)
    assert still_change(_pair(truth, truth), _pair(moved, render, mask=np.zeros((2, 3), bool))) is None


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_a_show_with_the_noise_of_its_footage_does_not_flicker(noise: float) -> None:
    rng = np.random.default_rng(0)

    def filmed(level: float) -> np.ndarray:
        return np.round(rng.normal(100, level, (200, 200, 3))).astype(np.uint8)

    def moving(picture: np.ndarray) -> np.ndarray:
        picture[:40] += 60
        return picture

    for level, ratio in ((noise, 1.0), (2 * noise, 4.0)):
        change = still_change(_pair(filmed(noise), filmed(level)), _pair(moving(filmed(noise)), filmed(level)))
        assert change is not None
        # Rounding adds a twelfth of a level to each variance.
        wanted = ((ratio * noise**2) + 1 / 12) / (noise**2 + 1 / 12)
        assert change[1] / change[0] == pytest.approx(wanted, rel=0.03)


def test_still_regions_are_away_from_what_moves():
    truth = np.full((100, 40, 3), 50, np.uint8)
    moved, render = truth.copy(), truth.copy()
    moved[40:50] += 30
    moved[70, 10] += 5  # neither still nor moving
    render[38:52] += 10
    render[90, 10] += 3
    last = _pair(truth, truth)
    near, away = (still_change(last, _pair(moved, render), away=share) for share in (0.0, 0.02))
    assert near == (0.0, pytest.approx((4 * 40 * 100 + 9) / (90 * 40 - 1)))
    assert away == (0.0, pytest.approx(9 / (86 * 40 - 1)))


def test_where_all_moves_nothing_is_still():
    truth = np.zeros((8, 8, 3), np.uint8)
    assert still_change(_pair(truth, truth), _pair(truth + np.uint8(17), truth)) is None


def test_sums():
    found = steadiness(
        [(0.25, 1.0), (0.75, 2.0)],
        [(0.5, 0.25)],
        [(0.5, 1.0), (0.5, 0.25)],
        [(range(6), [30, 30, 28, 28, 30, 30]), (range(2, 6), [26, 26, 26, 26])],
        [3],
    )
    assert (found.truth_rms, found.show_rms) == (pytest.approx(0.5**0.5), pytest.approx(1.5**0.5))
    assert found.variance_ratio == pytest.approx(3.0) and found.away_ratio == pytest.approx(1.0)
    assert (found.inside_rms, found.across_rms) == (pytest.approx(0.5), pytest.approx(0.625**0.5))
    assert found.steady is False and found.seamless is False
    assert found.border_dip_db == found.border_dip_most_db == pytest.approx(1.0) and found.borders == 1
    assert found.frames == tuple(range(6)) and found.psnr == (30, 30, 27, 27, 28, 28)


def test_the_deepest_dip_is_of_one_border():
    psnr = [30, 30, 29, 29, 30, 30, 27, 27, 30, 30]
    found = steadiness([(0.0, 0.16)], [], [(0.0, 0.25)], [(range(10), psnr)], [3, 7])
    assert (found.border_dip_db, found.border_dip_most_db) == (pytest.approx(2.0), pytest.approx(3.0))
    assert found.variance_ratio is None and found.away_ratio is None and found.truth_rms == 0
    assert found.steady and found.seamless and found.inside_rms is None
    nothing = steadiness([], [], [], [(range(2), [30, 30])], [])
    assert nothing.truth_rms is None and nothing.steady is None and nothing.seamless is None
    assert nothing.border_dip_db is None and nothing.borders == 0
