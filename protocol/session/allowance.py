"""How much a client may ask for in a while. SPEC section 8.9."""

from __future__ import annotations

from protocol import limits


class Allowance:
    """Fills by MAX_MESSAGES_PER_S a second up to as many; each message takes 1 and 1 for every COUNTED_BYTES."""

    def __init__(self, *, now: float) -> None:
        """Full. `now`: seconds of any steady clock."""
        self._left, self._counted = float(limits.MAX_MESSAGES_PER_S), now

    def take(self, size: int, *, now: float) -> bool:
        """Account for a message of `size` bytes -> whether it was still allowed."""
        filled = self._left + (now - self._counted) * limits.MAX_MESSAGES_PER_S
        self._left = min(float(limits.MAX_MESSAGES_PER_S), filled) - 1 - size // limits.COUNTED_BYTES
        self._counted = now
        return self._left >= 0
