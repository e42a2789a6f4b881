"""Footage from files at the pace at which it was filmed, so that a live show can be made without cameras."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from fractions import Fraction

log = logging.getLogger(__name__)
_SLACK_S = 1.0  # behind real time before anybody is told
_WARN_EVERY_S = 10.0


class Pace:
    """The clock of a shoot that is at `start` seconds of its footage now."""

    def __init__(self, start: Fraction, on_behind: Callable[[float], None] = lambda seconds: None) -> None:
        """`on_behind` hears at each wait by how many seconds the encoder is behind, 0 where it keeps up."""
        self._zero = time.monotonic() - float(start)
        self._on_behind = on_behind
        self._warned = -_WARN_EVERY_S

    def wait(self, end: Fraction) -> None:
        """Returns when the footage up to `end` seconds has been filmed; warns now and then where that is long ago."""
        ahead = self._zero + float(end) - time.monotonic()
        self._on_behind(max(0.0, -ahead))
        if ahead > 0:
            time.sleep(ahead)
            return
        now = time.monotonic()
        if -ahead > _SLACK_S and now - self._warned >= _WARN_EVERY_S:
            self._warned = now
            log.warning(
                "%.1f s behind real time: the footage comes faster than it is encoded; "
                "lower --scale, --density or --shells, or take --solver sweep",
                -ahead,
            )
