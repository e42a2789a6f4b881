"""The play position: advances while playing, freezes while frames are missing, wraps or holds at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PlayClock:
    """Seconds of the show's clock, and whether it runs.

    Attributes:
        duration: of the show, seconds.
        loop: the end is followed by the start; else the clock stops there.
    """

    duration: float
    time: float = 0.0
    playing: bool = True
    loop: bool = True


def advanced(clock: PlayClock, *, seconds: float) -> PlayClock:
    """The clock after `seconds` of playing; the same clock while it is paused."""
    if not clock.playing:
        return clock
    time = clock.time + seconds
    if time < clock.duration:
        return replace(clock, time=time)
    if clock.loop:
        return replace(clock, time=time % clock.duration)
    return replace(clock, time=clock.duration, playing=False)


def sought(clock: PlayClock, *, seconds: float) -> PlayClock:
    """The clock moved by `seconds`, held within the show."""
    return replace(clock, time=min(max(clock.time + seconds, 0.0), clock.duration))


def toggled(clock: PlayClock) -> PlayClock:
    """Paused if it was running, else running; from the start where it had come to the end."""
    at_end = not clock.playing and clock.time >= clock.duration
    return replace(clock, playing=not clock.playing, time=0.0 if at_end else clock.time)
