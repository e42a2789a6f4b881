"""The pictures of a report: of each camera its worst frame as truth, render and error map, small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from encoder.capture.resize import shrink_mask, shrink_picture
from encoder.evaluate import Compared
from encoder.jpeg import jpeg
from encoder.report.error_map import coloured, error_levels

LONGEST_SIDE = 480  # pixels
MOST_SHOWN = 12
_QUALITY = 3
_GROUPS = ("The worst", "In the middle", "The best")


@dataclass(frozen=True)
class Shown:
    """One frame of a camera; its pictures are JPEG files."""

    name: str
    frame: int
    psnr: float
    truth: bytes
    render: bytes
    error: bytes


class Album:
    """Of each camera the frame with the lowest PSNR so far; the first of equals."""

    def __init__(self) -> None:
        self.worst: dict[str, Shown] = {}

    def add(self, pair: Compared, psnr: float) -> None:
        """Looks at one more frame, PSNR in dB."""
        held = self.worst.get(pair.target.name)
        if held is None or psnr < held.psnr:
            self.worst[pair.target.name] = shown(pair, psnr)


def shown(pair: Compared, psnr: float) -> Shown:
    """Truth, render and error map, none with a side over LONGEST_SIDE."""
    target = pair.target
    scale = min(Fraction(1), Fraction(LONGEST_SIDE, max(target.truth.shape[:2])))
    levels = np.repeat(error_levels(target.truth, pair.render)[..., None], 3, axis=-1)
    error = coloured(shrink_picture(levels, scale)[..., 0], shrink_mask(target.mask, scale))
    truth, render = (shrink_picture(np.ascontiguousarray(picture), scale) for picture in (target.truth, pair.render))
    return Shown(
        target.name, target.frame, psnr, *(jpeg(picture, quality=_QUALITY) for picture in (truth, render, error))
    )


def chosen(names: Sequence[str]) -> dict[str, list[str]]:
    """Of names, worst first, those to be shown: all where they are few, else the worst, the middle and the best."""
    if len(names) <= MOST_SHOWN:
        return {"": list(names)}
    each = MOST_SHOWN // len(_GROUPS)
    starts = (0, (len(names) - each) // 2, len(names) - each)
    return {group: list(names[start : start + each]) for group, start in zip(_GROUPS, starts, strict=True)}
