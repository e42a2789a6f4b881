"""The frames of a layer as 2x2 blocks, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.layers import tessellate_fit as fit

# Blocks of a layer that are kept between passes: 16 bytes for 2x2 texels.
_KEPT_BYTES = 256 << 20
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class BlockFrames:
    """The layer as 2x2 blocks, one frame at a time: kept from the first pass where they are few, else made again.

    A frame's blocks are valid until the next frame is asked for.
    """

    rgba: NDArray[np.uint8]
    disparity: NDArray[np.float32]
    tiles: BoolArray
    tile: int
    kept: list[NDArray[np.float32]]

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        count, height, width = self.disparity.shape
        shape = (-(-height // 2), -(-width // 2), 4)
        keep = count * shape[0] * shape[1] * 16 <= _KEPT_BYTES
        yield from self.kept
        blocks = np.zeros(shape, np.float32)
        for t in range(len(self.kept), count):
            frame = np.asarray(self.rgba[t])
            fit.reduce_blocks(frame, np.asarray(self.disparity[t]), self.tiles, self.tile, blocks)
            if keep:
                self.kept.append(blocks)
            yield blocks
            if keep:
                blocks = np.zeros(shape, np.float32)


def disparity_noise(frames: BlockFrames) -> float:
    """Standard deviation of the first frame's block disparities about the line through their neighbours, 1/m."""
    blocks = next(iter(frames))
    solid = blocks[..., 0] > 2.0
    inner = solid[:, 1:-1] & solid[:, :-2] & solid[:, 2:]
    d = blocks[..., 1]
    bend = np.abs(d[:, 1:-1] - 0.5 * (d[:, :-2] + d[:, 2:]))[inner]
    return float(1.4826 / np.sqrt(1.5) * np.median(bend)) if bend.size else 0.0
