"""Cameras that deliver pictures of nothing: a lens cap, a black or blue screen where the signal went."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoder.capture.footage import FrameSet

log = logging.getLogger(__name__)
_EVERY = 4  # pixels are looked at
_PLAIN = 1.5  # levels by which pixels differ (standard deviation); a capped lens leaves noise
_SEEING = 2  # cameras that see something tell a dead one from a dark scene
_PICTURE = 6.0  # what has more is a picture of something


def dead_cameras(images: Mapping[str, NDArray[np.uint8]]) -> tuple[str, ...]:
    """Names of the cameras that see one plain colour while others, two at least, see something.

    Args:
        images: by camera, (height, width, 3) uint8 of one instant.
    """
    spread = {name: _spread(image) for name, image in images.items()}
    if sum(levels >= _PICTURE for levels in spread.values()) < _SEEING:
        return ()
    return tuple(name for name, levels in spread.items() if levels < _PLAIN)


def nothing_to_see(images: Mapping[str, NDArray[np.uint8]]) -> bool:
    """Whether all cameras, or all but one, see one plain colour; as of `dead_cameras`."""
    return sum(_spread(image) >= _PLAIN for image in images.values()) < _SEEING


def _spread(image: NDArray[np.uint8]) -> float:
    """The largest of the channels' standard deviations, in levels."""
    return float(image[::_EVERY, ::_EVERY].reshape(-1, image.shape[-1]).astype(np.float32).std(axis=0).max())


def without_dead(frames: Generator[FrameSet], told: set[str]) -> Generator[FrameSet]:
    """The same frames without the pictures of dead cameras. A camera is warned of unless it was `told` of before."""
    with closing(frames) as every:
        for frame in every:
            dead = dead_cameras(frame.images)
            for name in dead:
                if name not in told:
                    log.warning("%s shows one plain colour at %.2f s: left out where it does", name, float(frame.time))
            told.update(dead)
            yield replace(frame, images={name: i for name, i in frame.images.items() if name not in dead})
