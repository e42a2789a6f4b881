"""Holding a distance to the live edge: a little faster when behind, a little slower when too close, a jump when far."""

from __future__ import annotations

from dataclasses import dataclass, replace

from player.clock import PlayClock

_GAIN = 0.5  # of the speed, for each second of error
_MOST_CHANGE = 0.1  # of the speed; less is neither seen nor heard
_JUMP_S = 3.0
_FIRST_MARGIN_S, _MOST_MARGIN_S = 0.15, 2.0
_STALL_COSTS_S = 0.1
_CALM_GAINS = 0.01  # seconds of margin given back in each second without a stall
_BEFORE_END_S = 1e-3


@dataclass(frozen=True)
class LiveHold:
    """The distance that is held.

    Attributes:
        chunk_s: duration of a chunk: no player can be nearer, as chunks come whole.
        margin_s: what is added for the network's and the decoder's unevenness; grows with every stall.
        following: whether the distance is held; not after the viewer has sought.
    """

    chunk_s: float
    margin_s: float = _FIRST_MARGIN_S
    following: bool = True

    @property
    def target_s(self) -> float:
        """Seconds behind the live edge."""
        return self.chunk_s + self.margin_s


def held(hold: LiveHold, clock: PlayClock, *, seconds: float, edge: float, duration: float) -> PlayClock:
    """The clock after `seconds` of playing a live show.

    Args:
        edge: of the show now, in its seconds. duration: of what is there already.
    """
    if not clock.playing:
        return replace(clock, duration=duration)
    error = edge - hold.target_s - clock.time
    if not hold.following:
        time = clock.time + seconds
    elif abs(error) > _JUMP_S:
        time = edge - hold.target_s
    else:
        time = clock.time + seconds * (1 + min(max(_GAIN * error, -_MOST_CHANGE), _MOST_CHANGE))
    return replace(clock, time=min(max(time, 0.0), duration - _BEFORE_END_S), duration=duration)


def stalled(hold: LiveHold) -> LiveHold:
    """The distance after a stall: larger."""
    return replace(hold, margin_s=min(hold.margin_s + _STALL_COSTS_S, _MOST_MARGIN_S))


def calm(hold: LiveHold, *, seconds: float) -> LiveHold:
    """The distance after seconds without a stall: slowly smaller again."""
    return replace(hold, margin_s=max(hold.margin_s - _CALM_GAINS * seconds, _FIRST_MARGIN_S))
