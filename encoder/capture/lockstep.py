"""Which frame of which camera belongs to which instant."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from encoder.capture.timeline import Timeline
from protocol.errors import CaptureError, UsageError

log = logging.getLogger(__name__)

# Cameras without a constant rate (webcams that are only time-stamped) may differ so much in the usual step; whether
# each frame then has its partner is what decides.
RATE_TOLERANCE = Fraction(1, 10)
# An offset that the pairing tolerates, but that smears what moves; it is worth a line in the log.
NOTABLE_OFFSET_S = 0.001


@dataclass(frozen=True)
class Lockstep:
    """The instants that all cameras saw.

    Attributes:
        rate: frames per second; None for a single instant of a file that states none.
        times: seconds from the first instant, exact, by the reference camera's clock.
        origin: seconds on the files' own clock at which the first instant lies.
        chosen: per camera (N,) int64, the frame of its file at each instant.
    """

    rate: Fraction | None
    times: tuple[Fraction, ...]
    origin: Fraction
    chosen: dict[str, np.ndarray]


def align(timelines: Mapping[str, Timeline], *, start: Fraction = Fraction(0), frames: int | None = None) -> Lockstep:
    """Pairs the cameras' frames by their times.

    All must have the same frame rate, start within half a frame of each other, and have a frame within half a frame
    of every instant of the reference (the first camera among those that agree with the most others). Cameras of
    constant rate must also be equally long, where all of the footage is asked for. Cameras that are only
    time-stamped may have frames that belong to no instant; those are left out.

    Args:
        timelines: by camera.
        start: seconds from the start of the footage; the first instant is the first frame at or after it.
        frames: how many instants at most; None for all.

    Raises:
        CaptureError: the cameras are not in step; it names the camera and by how much.
        UsageError: `start` or `frames` leaves nothing.
    """
    if frames is not None and frames < 1:
        raise UsageError(f"{frames} frames are none; ask for at least 1")
    reference = _reference(timelines)
    base = timelines[reference]
    for name, timeline in timelines.items():
        _check(name, timeline, reference, base, whole=frames is None)
    first = next((k for k in range(base.count) if base.time(k) - base.start >= start), None)
    if first is None or start < 0:
        length = float(base.time(base.count - 1) - base.start)
        raise UsageError(f"start {float(start):g} s lies outside the footage; its last frame is at {length:g} s")
    end = base.count if frames is None else min(base.count, first + frames)
    window = np.arange(first, end)
    chosen = {
        name: window if timeline is base else _partners(name, timeline, reference, base, window)
        for name, timeline in timelines.items()
    }
    origin = base.time(first)
    return Lockstep(
        rate=base.rate, times=tuple(base.time(k) - origin for k in range(first, end)), origin=origin, chosen=chosen
    )


def _reference(timelines: Mapping[str, Timeline]) -> str:
    """One camera of the largest group that agrees; the one with the fewest frames where most have no constant rate."""
    votes = Counter((t.rate, t.start, t.count) for t in timelines.values() if t.constant)
    if 2 * votes.total() >= len(timelines):
        usual = votes.most_common(1)[0][0]
        return next(name for name, t in timelines.items() if t.constant and (t.rate, t.start, t.count) == usual)
    return min(timelines, key=lambda name: timelines[name].count)


def _check(name: str, timeline: Timeline, reference: str, base: Timeline, *, whole: bool) -> None:
    if timeline.rate is None or base.rate is None:
        return
    steady = timeline.constant and base.constant
    if abs(timeline.rate - base.rate) > (0 if steady else base.rate * RATE_TOLERANCE):
        raise CaptureError(
            f"{name} runs at {_rate_text(timeline.rate)}, {reference} at {_rate_text(base.rate)}; "
            "all cameras need one frame rate: convert the file, or take the camera out of the rig"
        )
    late = timeline.start - base.start
    if abs(late) * base.rate > Fraction(1, 2):
        raise CaptureError(
            f"{name} starts {_amount(abs(late), base.rate)} {'later' if late > 0 else 'earlier'} than {reference}; "
            "cut the files to one common start, or take the camera out of the rig"
        )
    if abs(float(late)) >= NOTABLE_OFFSET_S:
        log.warning("%s starts %.2f ms off %s: what moves will be smeared", name, float(late) * 1e3, reference)
    missing = base.count - timeline.count
    if whole and missing and steady:
        raise CaptureError(
            f"{name} has {_amount(Fraction(abs(missing)) / base.rate, base.rate)} "
            f"{'less' if missing > 0 else 'more'} than {reference} "
            f"({timeline.count} frames, not {base.count}); cut the files to one length, "
            f"or encode what all have with --frames {min(base.count, timeline.count)}"
        )


def _partners(name: str, timeline: Timeline, reference: str, base: Timeline, window: np.ndarray) -> np.ndarray:
    """(N,) int64: the frame of `timeline` nearest to each frame of `base` in `window`."""
    instants = base.seconds()[window]
    seconds = timeline.seconds()
    after = np.clip(np.searchsorted(seconds, instants), 1, max(1, len(seconds) - 1))
    before = after - 1
    after = np.minimum(after, len(seconds) - 1)
    nearest = np.where(np.abs(seconds[before] - instants) <= np.abs(seconds[after] - instants), before, after)
    if base.rate is None:
        return nearest
    half = 0.5 / float(base.rate)
    # Half a frame itself is allowed; the margin is for the rounding of float64 only.
    lonely = np.flatnonzero(np.abs(seconds[nearest] - instants) > half * (1 + 1e-9))
    twice = np.flatnonzero(np.diff(nearest) == 0) + 1
    if lonely.size or twice.size:
        k = int(min([*lonely[:1], *twice[:1]]))
        gap = abs(seconds[nearest[k]] - instants[k])
        at = float(base.time(int(window[k])) - base.start)
        raise CaptureError(
            f"{name} has no frame of its own at {at:.4f} s (frame {window[k]} of {reference}), "
            f"the nearest is {gap:.4f} s away; frames were dropped: repair the file or take the camera out of the rig"
        )
    left_out = int(nearest[-1] - nearest[0] + 1 - len(window))
    if left_out:
        log.warning("%s: frames that belong to none of %s: %d, left out", name, reference, left_out)
    return nearest


def _rate_text(rate: Fraction) -> str:
    return f"{rate} fps" if rate.denominator == 1 else f"{float(rate):.6g} fps ({rate})"


def _amount(seconds: Fraction, rate: Fraction) -> str:
    frames = float(seconds * rate)
    return f"{float(seconds):.4g} s ({frames:.3g} frame{'' if frames == 1 else 's'})"
