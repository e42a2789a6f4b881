"""Which rung to ask for: by throughput, by what is buffered, and by what this machine decodes and draws in time.

Pure: every method is told the time. Estimates are the smaller of a fast and a slow exponentially weighted mean, so that
a drop is believed at once and a rise only when it lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.manifest import Rung

_MOST_AGEING_S = 1.0


@dataclass(frozen=True)
class AbrConfig:
    """How cautious the choice is.

    Attributes:
        fast_s, slow_s: half-lives of the two means, seconds.
        safety: share of the estimate that a rung may take.
        headroom_s: how long the next rung has to have fitted before it is taken.
        most_wait_s: a segment that needs longer than this is given up for a smaller one.
        busy: share of a frame's time that decoding or drawing it may take.
        busy_s: how long it has to be too much before the rung is lowered.
        rest_s: how long that rung is left alone then; doubles each time.
    """

    fast_s: float = 0.75
    slow_s: float = 4.0
    safety: float = 0.85
    headroom_s: float = 10.0
    most_wait_s: float = 2.0
    busy: float = 0.95
    busy_s: float = 2.0
    rest_s: float = 30.0


class Throughput:
    """Bits per second of the transfers so far."""

    def __init__(self, *, fast_s: float, slow_s: float) -> None:
        self._means = (_Mean(fast_s), _Mean(slow_s))

    def add(self, bits: float, seconds: float, *, after_s: float = 0.0) -> None:
        """A transfer of `bits` took `seconds`, `after_s` seconds in which nothing was asked for.

        A pause ages what was measured before it, so that short transfers with pauses between them count for more.
        """
        if seconds > 0:
            for mean in self._means:
                mean.add(bits / seconds, seconds + min(after_s, _MOST_AGEING_S))

    @property
    def latest(self) -> float | None:
        """Bits per second by the fast mean alone, None before the first transfer."""
        return self._means[0].value

    @property
    def estimate(self) -> float | None:
        """Bits per second by the more careful of the two means, None before the first transfer."""
        values = [mean.value for mean in self._means]
        return None if values[0] is None or values[1] is None else min(values[0], values[1])


class _Mean:
    """Exponentially weighted; what is not yet covered by samples has no weight."""

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._sum = self._weight = 0.0

    def add(self, value: float, seconds: float) -> None:
        kept = 0.5 ** (seconds / self._half_life)
        self._sum = kept * self._sum + (1 - kept) * value
        self._weight = kept * self._weight + (1 - kept)

    @property
    def value(self) -> float | None:
        return self._sum / self._weight if self._weight > 0 else None


class RungChooser:
    """Chooses among rungs by what is measured; `lock` fixes one by hand."""

    def __init__(self, rungs: Sequence[Rung], config: AbrConfig | None = None) -> None:
        """Prepare. `rungs` in any order; all indices are into it."""
        self.config = config or AbrConfig()
        self.throughput = Throughput(fast_s=self.config.fast_s, slow_s=self.config.slow_s)
        self._order = sorted(range(len(rungs)), key=lambda i: (rungs[i].bits_per_second, i))
        self._lock: int | None = None
        self._current: int | None = None
        self._measured_choice = False
        self._fits_since: dict[int, float] = {}
        self._guard = _Guard(self.config)

    @property
    def current(self) -> int:
        """The rung chosen last; the lowest before any choice."""
        if self._lock is not None:
            return self._lock
        return self._order[0] if self._current is None else self._current

    @property
    def locked(self) -> bool:
        """Whether a rung was fixed by hand."""
        return self._lock is not None

    def lock(self, rung: int | None) -> None:
        """Fix the rung; None lets it be chosen again."""
        self._lock = rung

    def spent(self, rung: int, seconds: float, *, interval: float, now: float) -> None:
        """Decoding or drawing a frame of the rung took `seconds`; frames follow each other by `interval` seconds."""
        if self._lock is None and interval > 0:
            self._guard.spent(self._order.index(rung), seconds / interval, now)

    def choose(self, rates: Sequence[float], *, now: float) -> int:
        """The rung for the next chunk.

        Args:
            rates: bits per second of each rung there.
            now: seconds of a steady clock.
        """
        if self._lock is not None:
            return self._lock
        estimate, latest = self.throughput.estimate, self.throughput.latest
        if estimate is None or latest is None:
            self._current = self._order[0]
            return self._current
        budget = self.config.safety * estimate
        highest = self._guard.highest(len(self._order), now)
        for place, rung in enumerate(self._order):
            # Whether it lasts is asked of the fast mean: the slow one would ask for the same patience twice.
            if place and rates[rung] > self.config.safety * latest:
                self._fits_since.pop(rung, None)
            else:
                self._fits_since.setdefault(rung, now)
        fitting = max(place for place, rung in enumerate(self._order) if place == 0 or rates[rung] <= budget)
        place = min(self._place(fitting, now), highest)
        self._current, self._measured_choice = self._order[place], True
        return self._current

    def _place(self, fitting: int, now: float) -> int:
        if not self._measured_choice or self._current is None:
            return fitting  # the start: what the first transfer measured is taken at once
        place = self._order.index(self._current)
        if fitting <= place:
            return fitting
        # A rung between may not fit although a higher one does: sizes of single chunks follow no order.
        since = [(p, self._fits_since.get(self._order[p], now)) for p in range(place + 1, fitting + 1)]
        lasting = [p for p, start in since if now - start >= self.config.headroom_s]
        return max(lasting, default=place)

    def gives_up(self, *, left_bits: float, lower_bits: float, buffer_s: float) -> bool:
        """Whether the segment under way should make room for the same chunk at a lower rung.

        Args:
            left_bits: that are still to come of it.
            lower_bits: of the other segment.
            buffer_s: seconds that can be played without either.
        """
        estimate = self.throughput.estimate
        if self._lock is not None or not estimate:
            return False
        left_s, lower_s = left_bits / estimate, lower_bits / estimate
        return 2 * lower_s < left_s and left_s > min(self.config.most_wait_s, buffer_s)


class _Guard:
    """Remembers which places of the order this machine was too slow for."""

    def __init__(self, config: AbrConfig) -> None:
        self._config = config
        self._load: dict[int, _Mean] = {}
        self._busy_since: dict[int, float] = {}
        self._barred: dict[int, float] = {}
        self._rest_s = config.rest_s

    def spent(self, place: int, load: float, now: float) -> None:
        mean = self._load.setdefault(place, _Mean(15.0))
        mean.add(load, 1.0)
        assert mean.value is not None
        if mean.value <= self._config.busy:
            self._busy_since.pop(place, None)
        elif now - self._busy_since.setdefault(place, now) >= self._config.busy_s and place:
            self._barred[place] = now + self._rest_s
            self._rest_s *= 2
            self._busy_since.pop(place)
            self._load.pop(place)

    def highest(self, count: int, now: float) -> int:
        """The highest place that may be used now."""
        self._barred = {place: until for place, until in self._barred.items() if until > now}
        return min(self._barred, default=count) - 1
