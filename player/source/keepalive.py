"""Whether the other end still lives: pings, round trips, and how long is too long. No clock of its own."""

from __future__ import annotations

from collections import deque

from player.source.link import PING_S, SILENCE_S, STALL_S

_ROUND_TRIPS = 8  # that the least is taken of: queues come and go, the way stays
PATIENCE = 4  # round trips that may pass without a byte
_HELD_UP_S = 1.0  # between two looks: the loop was busy, so nobody can tell who was silent
_MAX_NUMBER = (1 << 32) - 1
_MAX_UNANSWERED = 8


class KeepAlive:
    """The signs of life of one connection. All times are seconds of one steady clock."""

    def __init__(self, *, now: float) -> None:
        self._heard = self._looked = now
        self._due_since: float | None = None
        self._round_trips: deque[float] = deque(maxlen=_ROUND_TRIPS)
        self._sent: dict[int, float] = {}
        self._number = 0
        self._pinged: float | None = None

    @property
    def rtt_s(self) -> float:
        """The least of the latest round trips; 0 before the first."""
        return min(self._round_trips, default=0.0)

    def heard(self, now: float) -> None:
        """Bytes have come, of whatever."""
        self._heard = now

    def went_round(self, duration_s: float) -> None:
        """Something was answered so long after it was asked."""
        self._round_trips.append(max(0.0, duration_s))

    def ping(self, now: float) -> int | None:
        """The number of a ping to send now, or None until it is time."""
        if self._pinged is not None and now - self._pinged < PING_S:
            return None
        self._pinged = now
        self._number = (self._number + 1) & _MAX_NUMBER
        while len(self._sent) >= _MAX_UNANSWERED:
            del self._sent[next(iter(self._sent))]
        self._sent[self._number] = now
        return self._number

    def ponged(self, number: int, now: float) -> None:
        """A ping is answered, and so are all before it. Numbers that nobody sent count for nothing."""
        sent = self._sent.get(number)
        if sent is not None:
            self._sent = {other: at for other, at in self._sent.items() if at > sent}
            self.went_round(now - sent)

    def silence(self, now: float, *, due: bool) -> float | None:
        """Seconds of silence, where they are too many; to be asked several times a second.

        `due`: the server has something to send, and may.
        """
        if now - self._looked > _HELD_UP_S:
            self._heard = now
        self._looked = now
        if not due:
            self._due_since = None
        elif self._due_since is None:
            self._due_since = now
        silent = now - self._heard
        if self._pinged is not None and silent > max(SILENCE_S, PATIENCE * self.rtt_s):
            return silent
        if self._due_since is not None:
            waited = now - max(self._heard, self._due_since)
            if waited > max(STALL_S, PATIENCE * self.rtt_s):
                return waited
        return None
