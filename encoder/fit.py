"""Meshes of a group of pictures and the one layout of its atlas, which all rungs share."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from encoder.atlas.pack import AtlasLayout, pack
from encoder.atlas.paint import rect_sizes
from encoder.atlas.picture import LARGE, STANDARD, PictureCaps, picture_for, with_room
from encoder.layers.layer_images import LayerImages
from encoder.layers.tessellate import Tessellation, TessellationConfig, tessellate
from encoder.stopwatch import Stopwatch
from protocol.errors import SolveError, UsageError
from protocol.projection import Projection

log = logging.getLogger(__name__)
_HEADROOM = 1.15  # of the first group's atlas, for those that follow
FAINTEST, _FAINT = 4, 128  # of 255: alpha that is given up where there is room, and where there is none


@dataclass(frozen=True)
class Fitted:
    """Meshes of the best rung and where their textures lie. `threshold`: texels of less alpha are given up."""

    meshes: list[Tessellation]
    layout: AtlasLayout
    threshold: int


def fit_atlas(
    layers: LayerImages,
    projection: Projection,
    *,
    tolerance: float,
    size: tuple[int, int] | None,
    spare: bool,
    large: PictureCaps = LARGE,
    faintest: int = FAINTEST,
    watch: Stopwatch,
) -> Fitted:
    """Meshes whose textures fit a picture; texels of little weight are given up until they do.

    Args:
        tolerance: of the meshes, 1/m.
        size: of the colour region where earlier groups have fixed it.
        spare: where it is not fixed yet, leave room for groups that need more.
        large: what the largest picture may be.
        faintest: of 255, texels of less alpha are given up whether they fit or not.

    Raises:
        SolveError: the layers are empty. UsageError: they do not fit, whatever is given up.
    """
    threshold = faintest
    while True:
        config = TessellationConfig(alpha_threshold=threshold)
        meshes = tessellate_layers(layers, projection, tolerance=tolerance, config=config, watch=watch)
        if not any(len(mesh.rects) for mesh in meshes):
            raise SolveError("no layer holds anything; look at the footage and at --near and --far")
        with watch.stage("pack"):
            layout = _pack(meshes, size, spare, large)
        if layout is not None:
            return Fitted(meshes, layout, threshold)
        threshold *= 2
        if threshold > _FAINT:
            raise UsageError(
                "the layers' textures do not fit the largest picture that a decoder takes; "
                "lower --density, --scale or --layers"
            )
        log.warning("the atlas is full: texels with alpha under %d of 255 are given up", threshold)


def tessellate_layers(
    layers: LayerImages, projection: Projection, *, tolerance: float, config: TessellationConfig, watch: Stopwatch
) -> list[Tessellation]:
    """The meshes of all layers, far to near. Their rectangles depend on the cells and the alpha threshold alone."""
    meshes = []
    with watch.stage("mesh"):
        for index in range(layers.rgba.shape[1]):
            meshes.append(
                tessellate(
                    layers.rgba[:, index],
                    layers.disparity[:, index],
                    projection,
                    tolerance=tolerance,
                    config=config,
                )
            )
            watch.report("mesh", (index + 1) / layers.rgba.shape[1])
    return meshes


def _pack(
    meshes: list[Tessellation], size: tuple[int, int] | None, spare: bool, large: PictureCaps
) -> AtlasLayout | None:
    sizes = rect_sizes(meshes)
    if size is not None:
        return pack(sizes, size=size, caps=_caps_of(size))
    for caps in (STANDARD, large):
        layout = pack(sizes, caps=caps)
        if layout is not None:
            return (
                pack(sizes, size=with_room(layout.picture, factor=_HEADROOM, caps=caps), caps=caps) if spare else layout
            )
    return None


def _caps_of(size: tuple[int, int]) -> PictureCaps:
    return STANDARD if picture_for(*size, caps=STANDARD) is not None else LARGE
