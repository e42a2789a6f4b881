"""Footage at its own pace: nothing is taken up before it would have been filmed, and who is too slow is told."""

from __future__ import annotations

import logging
import time
from fractions import Fraction

import pytest

from encoder import live
from encoder.live import Pace


def test_it_waits_for_the_footage() -> None:
    behind: list[float] = []
    begun = time.monotonic()
    pace = Pace(Fraction(10), behind.append)
    pace.wait(Fraction(101, 10))
    assert time.monotonic() - begun >= 0.1
    pace.wait(Fraction(102, 10))
    assert time.monotonic() - begun >= 0.2
    assert behind == [0.0, 0.0]


def test_who_is_behind_does_not_wait_and_is_told_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind: list[float] = []
    pace = Pace(Fraction(100), behind.append)
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING):
        for second in range(50, 60):
            pace.wait(Fraction(second))
        pace.wait(Fraction(199, 2))  # half a second is nobody's concern
        assert len(caplog.records) == 1 and "50.0 s behind real time" in caplog.text
        monkeypatch.setattr(live, "_WARN_EVERY_S", 0.0)
        pace.wait(Fraction(60))
    assert len(caplog.records) == 2 and "--scale" in caplog.text
    assert time.monotonic() - begun < 0.4
    assert behind[0] == pytest.approx(50, abs=0.4) and behind[10] == pytest.approx(0.5, abs=0.4)
