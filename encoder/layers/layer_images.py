"""The layers of one group of pictures, on disk: a long group of a large show does not fit the memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.errors import StorageError


@dataclass(frozen=True, eq=False)
class LayerImages:
    """Layers of T frames, far to near; memory-mapped.

    Attributes:
        rgba: (T, L, H, W, 4) uint8 straight sRGB and alpha.
        disparity: (T, L, H, W) float32, 1/metre.
    """

    rgba: NDArray[np.uint8]
    disparity: NDArray[np.float32]


def make_layer_images(frames: int, layers: int, height: int, width: int, *, folder: Path) -> LayerImages:
    """Empty layers in nameless files in `folder`, which vanish with the process, however it ends.

    Raises:
        StorageError: the folder has no room for them.
    """
    shape = (frames, layers, height, width)
    try:
        with tempfile.TemporaryFile(dir=folder) as colours, tempfile.TemporaryFile(dir=folder) as depths:
            # Taken now: a full disk under a memory map is a signal, not an error.
            for file in (colours, depths):
                os.posix_fallocate(file.fileno(), 0, 4 * int(np.prod(shape)))
            rgba = np.memmap(colours, np.uint8, "w+", shape=(*shape, 4))
            disparity = np.memmap(depths, np.float32, "w+", shape=shape)
    except OSError as error:
        need = 8 * int(np.prod(shape)) / 2**30
        raise StorageError(
            f"{folder}: no room for the layers of one chunk ({need:.1f} GiB: {error.strerror}); "
            "free some, or shorten --gop"
        ) from error
    return LayerImages(rgba, disparity)
