"""How many bytes a session's server may have under way: enough to keep the way full, little enough to seek soon."""

from __future__ import annotations

AHEAD_S = 0.2  # what is under way lasts for a round trip and this long
ROUND_S = 0.2  # a way too slow to bring half a window is measured over this long


class CreditWindow:
    """The window follows the way: round by round it is what arrives in a round trip and AHEAD_S.

    A round lasts a round trip at least, and then until half a window has arrived or ROUND_S have passed. From one
    round to the next the window at most doubles and at most halves: one hiccup is no verdict.
    """

    def __init__(self, *, first: int, least: int, most: int) -> None:
        """Prepare; all in bytes. The window starts at `first` and stays between `least` and `most`."""
        self.size = max(least, min(first, most))
        self._least, self._most = least, most
        self._began: float | None = None
        self._count = 0

    def received(self, count: int, *, now: float, rtt_s: float) -> None:
        """Payload has come, `now` in seconds of a steady clock; `rtt_s` is the way's round trip without queues."""
        if self._began is None:
            # What opens a burst says nothing about its rate: it may have waited.
            self._began, self._count = now, 0
            return
        self._count += count
        elapsed = now - self._began
        if elapsed <= 0 or elapsed < rtt_s or (elapsed < ROUND_S and 2 * self._count < self.size):
            return
        wanted = int(self._count / elapsed * (rtt_s + AHEAD_S))
        wanted = max(self.size // 2, min(wanted, 2 * self.size))
        self.size = max(self._least, min(wanted, self._most))
        self._began, self._count = now, 0

    def pause(self) -> None:
        """The server has nothing to send, or may not: the time until more comes says nothing about the way."""
        self._began = None

    def grant(self, outstanding: int) -> int:
        """Bytes to grant now: none until half of the window is used up, then all that is missing to it."""
        return 0 if 2 * outstanding > self.size else self.size - outstanding
