"""Whether each camera sees what the others see of the same surfaces, or its calibration is that of another one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from encoder.msi.views import View
from encoder.point_colours import point_colours
from protocol.geometry import Array

log = logging.getLogger(__name__)

_WIDTH = 192  # of the pictures that are compared
_FEWEST = 500  # points that a camera and two others see
_CLEAR = 0.12  # of the correlation is missing: less is noise, gloss and what is hidden
_WORSE = 2.5  # times the middle camera
_APART = 1.5  # times what one camera in five exceeds
_BEST_OF = 0.8
_HARDLY = 0.5  # is missing in the middle camera: most of them are wrong


def missing_agreement(
    views: Sequence[View], pictures: Mapping[str, NDArray[np.uint8]], points: Array
) -> dict[str, float]:
    """By camera 1 less the correlation of what it sees with the median of what the others see, mean of the channels.

    0 is perfect agreement, whatever exposure and white balance; 1 is none. Cameras that share too little with two
    others are left out.

    Args:
        pictures: (height, width, 3) uint8 sRGB of each view.
        points: (P, 3) of surfaces, show frame.
    """
    seen = [point_colours(view, pictures[view.name], points, width=_WIDTH) for view in views]
    colour = np.stack([np.where(s.valid[:, None], s.colour, np.nan) for s in seen])
    valid = np.stack([s.valid for s in seen])
    found = {}
    for index, view in enumerate(views):
        others = np.arange(len(views)) != index
        both = valid[index] & (valid[others].sum(axis=0) >= 2)
        if both.sum() < _FEWEST:
            continue
        own, rest = colour[index, both], np.nanmedian(colour[others][:, both], axis=0)
        own, rest = own - own.mean(axis=0), rest - rest.mean(axis=0)
        energy = np.sqrt((own**2).sum(axis=0) * (rest**2).sum(axis=0))
        if (energy > 0).all():
            found[view.name] = 1.0 - float(np.mean((own * rest).sum(axis=0) / energy))
    return found


def misfits(missing: Mapping[str, float]) -> tuple[str, ...]:
    """The cameras that stand out from `missing_agreement` of all."""
    if len(missing) < 3:
        return ()
    ordered = sorted(missing.values())
    middle, good = ordered[len(ordered) // 2], ordered[int(_BEST_OF * (len(ordered) - 1))]
    least = max(_CLEAR, _WORSE * middle, _APART * good)
    return tuple(name for name, value in missing.items() if value > least)


def warn_of_misfits(views: Sequence[View], pictures: Mapping[str, NDArray[np.uint8]], points: Array) -> None:
    """Warns of cameras that do not fit, with the mend; arguments as of `missing_agreement`."""
    missing = missing_agreement(views, pictures, points)
    log.info("agreement with the others: %s", ", ".join(f"{name} {1 - m:.2f}" for name, m in missing.items()))
    if missing and float(np.median(list(missing.values()))) > _HARDLY:
        log.warning(
            "most cameras do not see what the others see of the same surfaces: check that the calibration is that of "
            "this footage, with each camera under its own name"
        )
        return
    for name in misfits(missing):
        log.warning(
            "%s does not see what the others see of the same surfaces (correlation %.2f, the others %.2f): check its "
            "calibration and its footage, or leave it out with --hold-out %s",
            name,
            1 - missing[name],
            1 - float(np.median(list(missing.values()))),
            name,
        )
