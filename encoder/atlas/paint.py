"""Paints the layers of one frame into the atlas: each rectangle with a gutter of what surrounds it in its layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from encoder.atlas.dilate import NEUTRAL
from encoder.atlas.pack import AtlasLayout
from encoder.atlas.picture import Picture
from encoder.layers.tessellate import Tessellation
from encoder.video import colour as bt709
from protocol.mesh_codec import LayerMesh, Rect


@dataclass(frozen=True)
class PaintPlan:
    """What is copied where, the same for all frames of a group of pictures.

    Attributes:
        rects: (N, 7) int32 layer, x, y, width, height, atlas_x, atlas_y, texels.
        picture: sizes of the atlas and of the picture.
        gutter: texels painted around each rectangle.
        wraps: column W of a layer is its column 0.
    """

    rects: NDArray[np.int32]
    picture: Picture
    gutter: int
    wraps: bool


@dataclass(frozen=True)
class Atlas:
    """One painted frame: colour (h, w, 3) uint8 sRGB, straight, and alpha (h, w) uint8, of the colour region's size."""

    colour: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


@dataclass(frozen=True)
class Planes:
    """One frame of video, 8 bit 4:2:0: luma (H, W), cb and cr (H / 2, W / 2) uint8, of the whole picture."""

    luma: NDArray[np.uint8]
    cb: NDArray[np.uint8]
    cr: NDArray[np.uint8]


def rect_sizes(layers: Sequence[Tessellation]) -> NDArray[np.int32]:
    """(N, 2) int32 width, height of all layers' rectangles, in the order that `place` and `pack` agree on."""
    return np.concatenate([layer.rects[:, 2:] for layer in layers]).astype(np.int32)


def place(layers: Sequence[Tessellation], layout: AtlasLayout) -> tuple[LayerMesh, ...]:
    """Joins the layers' meshes, far to near, with their rectangles' places in `layout` = pack(rect_sizes(layers))."""
    meshes = []
    first = 0
    for layer in layers:
        corners = layout.positions[first : first + len(layer.rects)]
        first += len(layer.rects)
        values = np.concatenate([layer.rects, corners], axis=1).tolist()
        meshes.append(
            LayerMesh(
                points=layer.points,
                disparities=layer.disparities,
                rects=tuple(Rect(*row) for row in values),
                triangles=layer.triangles,
                triangle_rect=layer.triangle_rect,
            )
        )
    return tuple(meshes)


def paint_plan(layers: Sequence[Tessellation], layout: AtlasLayout, *, wraps: bool) -> PaintPlan:
    """The copies that fill the atlas of `layout` = pack(rect_sizes(layers))."""
    owner = np.repeat(np.arange(len(layers), dtype=np.int32), [len(layer.rects) for layer in layers])
    rects = np.concatenate([layer.rects for layer in layers])
    table = np.concatenate([owner[:, None], rects, layout.positions], axis=1).astype(np.int32)
    return PaintPlan(rects=table, picture=layout.picture, gutter=layout.gutter, wraps=wraps)


def new_atlas(picture: Picture) -> Atlas:
    """An atlas that holds nothing: neutral grey, which costs no bits, and alpha 0."""
    size = (picture.colour_height, picture.colour_width)
    return Atlas(colour=np.full((*size, 3), NEUTRAL, np.uint8), alpha=np.zeros(size, np.uint8))


def paint(plan: PaintPlan, rgba: NDArray[np.uint8], atlas: Atlas) -> None:
    """Paints one frame over `atlas`, which `new_atlas` made and which may hold another frame of the same plan.

    Texels of a gutter continue the layer, colour and alpha, so that linear samples at a rectangle's border are those of
    the layer itself; beyond the layer's border its last texel is repeated.

    Args:
        plan: the copies.
        rgba: (L, H, W, 4) uint8, straight colour, valid under alpha 0 too (see `dilate_colour`).
        atlas: is written in place.
    """
    _paint(plan.rects, plan.gutter, plan.wraps, np.asarray(rgba), atlas.colour, atlas.alpha)


def new_planes(picture: Picture) -> Planes:
    """Planes of a black picture."""
    size, half = (picture.height, picture.width), (picture.height // 2, picture.width // 2)
    return Planes(np.full(size, 16, np.uint8), np.full(half, 128, np.uint8), np.full(half, 128, np.uint8))


def write_planes(atlas: Atlas, picture: Picture, planes: Planes) -> None:
    """Converts a painted frame into the picture's colour and alpha regions, in place."""
    for write, image, x, y in (
        (bt709.write_colour, atlas.colour, 0, 0),
        (bt709.write_alpha, atlas.alpha, picture.alpha_x, picture.alpha_y),
    ):
        rows, columns = slice(y, y + picture.colour_height), slice(x, x + picture.colour_width)
        half = (slice(y // 2, rows.stop // 2), slice(x // 2, columns.stop // 2))
        write(image, planes.luma[rows, columns], planes.cb[half], planes.cr[half])


@njit(cache=True, nogil=True)
def _paint(rects, gutter, wraps, rgba, colour, alpha):  # type: ignore[no-untyped-def]
    height, width = rgba.shape[1], rgba.shape[2]
    for n in range(rects.shape[0]):
        layer, x0, y0, w = rects[n, 0], rects[n, 1], rects[n, 2], rects[n, 3]
        h, ax, ay = rects[n, 4], rects[n, 5], rects[n, 6]
        for v in range(-gutter, h + gutter):
            y = min(max(y0 + v, 0), height - 1)
            for u in range(-gutter, w + gutter):
                x = (x0 + u + width) % width if wraps else min(max(x0 + u, 0), width - 1)
                for c in range(3):
                    colour[ay + v, ax + u, c] = rgba[layer, y, x, c]
                alpha[ay + v, ax + u] = rgba[layer, y, x, 3]
