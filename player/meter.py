"""Measures a transfer as it comes."""

from __future__ import annotations

from player.abr import Throughput

_SAMPLE_S = 0.1
_SHORTEST_S = 0.02  # bytes that come nearer to each other may have waited together in a buffer
_SILENCE_S, _FIRST_BYTES_S = 0.5, 1.5  # without bytes, amid a transfer and at its start, count as none coming


class Meter:
    """Turns the arrival of bytes into samples of throughput, and leaves out the time in which nothing was asked for.

    The wait for the first bytes is left out as well, but for transfers that are over too soon to tell without it.
    """

    def __init__(self, throughput: Throughput) -> None:
        self._throughput = throughput
        self._asked: float | None = None  # None while nothing is asked for, and where it came unasked
        self._since: float | None = None  # the time of the first bytes, or of the last sample
        self._last = 0.0
        self._bits = self._all_bits = 0
        self._measured_until: float | None = None

    def begin(self, now: float) -> None:
        """Bytes are asked for."""
        self.rest()
        self._asked = now

    def rest(self) -> None:
        """Nothing is asked for any more."""
        if self._since is not None:
            self._conclude(self._since)
        self._asked = self._since = None
        self._bits = self._all_bits = 0

    def add(self, count: int, now: float) -> None:
        """Bytes have come."""
        self._last = now
        self._all_bits += 8 * count
        if self._since is None:
            self._since = now
            return
        self._bits += 8 * count
        if now - self._since >= _SAMPLE_S:
            self._sample(self._bits, now - self._since, now)

    def segment_done(self, now: float) -> None:
        """A segment is whole. The first one is measured at once, because the choice of the next waits for it."""
        if self._throughput.estimate is None:
            self.begin(now)

    def tick(self, now: float) -> None:
        """Time passes: bytes that do not come are a sample as well."""
        start, patience = (self._asked, _FIRST_BYTES_S) if self._since is None else (self._since, _SILENCE_S)
        if start is not None and now - start > patience:
            self._sample(self._bits, now - start, now)

    def _conclude(self, since: float) -> None:
        """What came since the last sample."""
        span = self._last - since
        if span >= _SHORTEST_S and 2 * self._bits >= self._all_bits:
            self._sample(self._bits, span, self._last)
        elif self._asked is not None and self._all_bits:
            self._sample(self._all_bits, self._last - self._asked, self._last)

    def _sample(self, bits: float, seconds: float, now: float) -> None:
        pause = 0.0 if self._measured_until is None else now - seconds - self._measured_until
        self._throughput.add(bits, max(seconds, 1e-4), after_s=max(pause, 0.0))
        self._measured_until = self._since = now
        self._asked, self._bits, self._all_bits = None, 0, 0
