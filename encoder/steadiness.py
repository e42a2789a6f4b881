"""How steady a show is: how much what stands still changes between frames, and what borders between chunks cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.evaluate import Compared
from encoder.msi.change_kernels import dilate

# Levels of 255 by which a pixel of the truth may change and still counts as still: the first in clean footage, more
# where there is noise, or pixels would be chosen for little noise and a show with the very same noise seem to flicker.
_LEAST_STILL, _MOST_STILL = 2.0, 16.0
_NOISE = 4.0  # times the median change: 5 standard deviations of Gaussian noise, of the largest of three channels
MOST_RATIO = 1.1  # of the variance that a show is to keep to
MOST_STEP = 0.5  # levels, root mean square: what nobody sees, however still the footage is
AWAY = 0.02  # of a picture's height: how far from what moves still regions begin
_MOVES = 3.0  # times the change up to which a pixel is still
MOST_DIP_DB = 0.2


@dataclass(frozen=True)
class Steadiness:
    """Figures over all cameras.

    Attributes:
        truth_rms, show_rms: root mean square change per frame of still pixels, levels of 255; None without any.
        variance_ratio: of the changes' variances, show / truth; None where the truth does not change at all.
        away_ratio: the same of still regions alone, `AWAY` from what moves.
        inside_rms, across_rms: change per frame of the show's still regions, levels of 255, inside chunks and from one
            to the next; None without any.
        border_dip_db: mean of `border_dips`, above 0 where borders are worse; None without measurable borders.
        border_dip_most_db: the deepest of them.
        borders: how many there are in the frames compared.
        frames, psnr: the frames compared, and in dB the mean over the cameras of each.
    """

    truth_rms: float | None
    show_rms: float | None
    variance_ratio: float | None
    away_ratio: float | None
    inside_rms: float | None
    across_rms: float | None
    border_dip_db: float | None
    border_dip_most_db: float | None
    borders: int
    frames: tuple[int, ...]
    psnr: tuple[float, ...]

    @property
    def steady(self) -> bool | None:
        """Whether still pixels change no more than in the footage, or than anybody sees; None without any."""
        if self.show_rms is None or self.truth_rms is None:
            return None
        return self.show_rms <= max(math.sqrt(MOST_RATIO) * self.truth_rms, MOST_STEP)

    @property
    def seamless(self) -> bool | None:
        """Whether the same holds of still regions between chunks; None without any."""
        if self.across_rms is None or self.truth_rms is None:
            return None
        return self.across_rms <= max(math.sqrt(MOST_RATIO) * self.truth_rms, MOST_STEP)


def still_change(last: Compared, now: Compared, *, away: float = 0.0) -> tuple[float, float] | None:
    """Mean squared change between two frames of pixels that are still in the truth: (truth, show); None without any.

    Still are those that change by no more than the noise of most pixels explains, and lie at least `away` pictures'
    heights from all that moves: that changes by three times as much.
    """
    truth = now.target.truth.astype(np.int16) - last.target.truth
    render = now.render.astype(np.int16) - last.render
    change = np.abs(truth).max(axis=-1)
    if not now.target.mask.any():
        return None
    noise = _NOISE * float(np.median(change[now.target.mask]))
    limit = min(max(_LEAST_STILL, noise), _MOST_STILL)
    still = (change <= limit) & now.target.mask
    if away:
        moves = (change > _MOVES * limit).astype(np.uint8)
        near = np.empty_like(moves)
        dilate(moves, math.ceil(away * len(moves)), near)
        still &= near == 0
    if not still.any():
        return None
    return float(np.mean(truth[still].astype(np.float64) ** 2)), float(np.mean(render[still].astype(np.float64) ** 2))


def border_dips(frames: Sequence[int], psnr: Sequence[float], borders: Sequence[int]) -> dict[int, float]:
    """By how many dB one camera's frames at each border lie below the frames inside the two chunks that meet there.

    At a border are the last frame before it and the first behind it; inside a chunk are those at no border. Borders
    without frames on both sides, or between chunks of nothing but border frames, are left out.

    Args:
        frames: increasing indices; psnr: dB of each.
        borders: first frames of all chunks but the first, increasing.
    """
    at = dict(zip(frames, psnr, strict=True))
    touching = {frame for border in borders for frame in (border - 1, border)}
    inside = np.array([frame for frame in frames if frame not in touching], np.int64)
    levels = np.array([at[int(frame)] for frame in inside])
    ends = [0, *borders, max(frames, default=0) + 1]
    dips = {}
    for before, border, after in zip(ends, borders, ends[2:], strict=False):
        first, last = np.searchsorted(inside, [before, after])
        if border - 1 in at and border in at and first < last:
            dips[border] = float(np.mean(levels[first:last])) - (at[border - 1] + at[border]) / 2
    return dips


def steadiness(
    still: Sequence[tuple[float, float]],
    inside: Sequence[tuple[float, float]],
    across: Sequence[tuple[float, float]],
    cameras: Sequence[tuple[Sequence[int], Sequence[float]]],
    borders: Sequence[int],
) -> Steadiness:
    """Sums up.

    Args:
        still: results of `still_change` for all pixels.
        inside, across: of those `AWAY` from what moves, for frames of one chunk and of two.
        cameras: of each its frames, increasing, and their PSNR in dB.
        borders: first frames of all chunks but the first.
    """
    truth, show = _means(still)
    calm_truth, calm_show = _means([*inside, *across])
    dips: dict[int, list[float]] = {}
    levels: dict[int, list[float]] = {}
    for frames, psnr in cameras:
        for border, dip in border_dips(frames, psnr, borders).items():
            dips.setdefault(border, []).append(dip)
        for frame, value in zip(frames, psnr, strict=True):
            levels.setdefault(frame, []).append(value)
    by_border = [float(np.mean(values)) for values in dips.values()]
    ordered = sorted(levels)
    return Steadiness(
        truth_rms=_root(truth),
        show_rms=_root(show),
        variance_ratio=show / truth if truth and show is not None else None,
        away_ratio=calm_show / calm_truth if calm_truth and calm_show is not None else None,
        inside_rms=_root(_means(inside)[1]),
        across_rms=_root(_means(across)[1]),
        border_dip_db=float(np.mean(by_border)) if by_border else None,
        border_dip_most_db=max(by_border, default=None),
        borders=sum(border in levels and border - 1 in levels for border in borders),
        frames=tuple(ordered),
        psnr=tuple(float(np.mean(levels[frame])) for frame in ordered),
    )


def _means(changes: Sequence[tuple[float, float]]) -> tuple[float, float] | tuple[None, None]:
    if not changes:
        return None, None
    truth, show = np.mean(changes, axis=0)
    return float(truth), float(show)


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)
