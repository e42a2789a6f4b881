"""Which two layers can become one at the least loss.

What a merge loses is parallax: where both layers are seen, within a texel or next to each other, one surface takes the
place of two. As for the layers' borders (DESIGN 4) the measure is weighted variance of disparity, which grows by
u v / (u + v) (d - e)^2 where weights u and v of disparities d and e fall together (Ward 1963). It is summed over
blocks, because a mesh does not break within them. What a merge saves is the area of the blocks that both layers occupy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from encoder.layers.layer_images import LayerImages
from protocol.projection import Projection

BLOCK = 8  # texels: the cells down to which meshes are cut
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Layers of one frame in blocks, (L, rows, columns).

    Attributes:
        weight: sum of the texels' shares of the view from the origin.
        disparity: their mean by these shares.
        occupied: any texel's alpha reaches the threshold.
        area: (rows, 1) of a block, in the unit of its area at the equator.
    """

    weight: FloatArray
    disparity: FloatArray
    occupied: NDArray[np.bool_]
    area: FloatArray


def blocks_of(layers: LayerImages, projection: Projection, *, threshold: int) -> Blocks:
    """The first frame's blocks; `threshold` of 255 is the least alpha that meshes cover."""
    rgba, disparity = layers.rgba[0], layers.disparity[0]
    count, height, width = disparity.shape
    shape = (count, -(-height // BLOCK), -(-width // BLOCK))
    weight, moment, occupied = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_)
    through = np.ones((height, width))
    for layer in range(count - 1, -1, -1):
        alpha = rgba[layer, ..., 3]
        seen = through * (alpha / 255)
        through -= seen
        weight[layer] = _pooled(seen, np.add)
        moment[layer] = _pooled(seen * disparity[layer], np.add)
        occupied[layer] = _pooled(alpha >= threshold, np.logical_or)
    middles = (np.arange(shape[1]) + 0.5) * BLOCK
    area = np.cos(projection.top - middles / projection.density) if projection.kind == "sphere" else np.ones(shape[1])
    return Blocks(weight, moment / np.maximum(weight, 1e-12), occupied, np.maximum(area, 0.0)[:, None])


def cheapest_pair(blocks: Blocks) -> tuple[int, int] | None:
    """The neighbours (far, near) that lose least for the area that they save; None where no two share any."""
    held = [layer for layer in range(len(blocks.weight)) if blocks.occupied[layer].any()]
    pairs = [(far, near) for far, near in pairwise(held) if _saving(blocks, far, near) > 0]
    return min(pairs, key=lambda pair: _loss(blocks, *pair) / _saving(blocks, *pair), default=None)


def _loss(blocks: Blocks, far: int, near: int) -> float:
    u, v = blocks.weight[far], blocks.weight[near]
    spread = (blocks.disparity[far] - blocks.disparity[near]) ** 2
    return float((blocks.area * u * v / np.maximum(u + v, 1e-12) * spread).sum())


def _saving(blocks: Blocks, far: int, near: int) -> float:
    return float((blocks.area * (blocks.occupied[far] & blocks.occupied[near])).sum())


def _pooled(values: NDArray, pool: np.ufunc) -> NDArray:
    """(H, W) -> (rows, columns), the last ones from what is there."""
    rows, columns = (np.arange(0, side, BLOCK) for side in values.shape)
    return np.asarray(pool.reduceat(pool.reduceat(values, rows, axis=0), columns, axis=1))
