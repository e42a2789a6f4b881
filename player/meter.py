"""Measures a transfer as it comes."""

from __future__ import annotations

from player.abr import Throughput

_SAMPLE_S = 0.1
_SILENCE_S, _FIRST_BYTES_S = 0.5, 1.5  # without bytes, amid a transfer and at its start, count as none coming


class Meter:
    """Turns the arrival of bytes into samples of throughput, and leaves out the time in which nothing was asked for."""

    def __init__(self, throughput: Throughput) -> None:
        self._throughput = throughput
        self._asked: float | None = None
        self._since: float | None = None
        self._bits = 0
        self._all_bits = 0
        self._sampled = False
        self._measured_until: float | None = None

    def begin(self, now: float) -> None:
        """Bytes were asked for; the wait for the first of them is no throughput."""
        self._asked, self._since, self._bits, self._all_bits, self._sampled = now, None, 0, 0, False

    def rest(self) -> None:
        """Nothing is asked for."""
        self._asked = self._since = None

    def add(self, count: int, now: float) -> None:
        """Bytes have come."""
        if self._asked is None:
            self.begin(now)
        self._all_bits += 8 * count
        if self._since is None:
            self._since = now
            return
        self._bits += 8 * count
        if now - self._since >= _SAMPLE_S:
            self._sample(self._bits, now - self._since, now)

    def segment_done(self, now: float) -> None:
        """A segment is whole: what came of it counts, however little it was."""
        if self._asked is None or self._since is None:
            return
        if self._bits and now > self._since:
            self._sample(self._bits, now - self._since, now)
        elif not self._sampled:
            self._sample(self._all_bits, now - self._asked, now)

    def tick(self, now: float) -> None:
        """Time passes: bytes that do not come are a sample as well."""
        start, patience = (self._asked, _FIRST_BYTES_S) if self._since is None else (self._since, _SILENCE_S)
        if start is not None and now - start > patience:
            self._sample(self._bits, now - start, now)

    def _sample(self, bits: float, seconds: float, now: float) -> None:
        pause = 0.0 if self._measured_until is None else now - seconds - self._measured_until
        self._throughput.add(bits, max(seconds, 1e-4), after_s=max(pause, 0.0))
        self._measured_until = now
        self._since, self._bits, self._sampled = now, 0, True
