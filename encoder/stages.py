"""What each stage costs: PSNR of the shells, and of the layers before the codec, at the rig's cameras; the poster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from encoder.gop import EncodedGop
from encoder.jpeg import jpeg
from encoder.metrics import psnr, psnr_of
from encoder.msi.views import View
from encoder.shot import Shot
from player.composite.view import ModelView, head_view
from player.headless import HeadlessRenderer
from protocol.errors import DisplayError
from protocol.records import StageFigure

log = logging.getLogger(__name__)
_SEEN = 3  # cameras that are measured where none is held out
_POSTER = (640, 360)
_POSTER_FOV = np.radians(75.0)


def measured_views(shot: Shot) -> tuple[View, ...]:
    """The held-out cameras, or a few source cameras spread over the rig where there are none."""
    if shot.held_out:
        return shot.held_out
    count = min(_SEEN, len(shot.sources))
    picks = np.linspace(0, len(shot.sources) - 1, count).round().astype(int)
    return tuple(shot.sources[pick] for pick in picks)


def judge(shot: Shot, gop: EncodedGop, images: dict[str, NDArray[np.uint8]]) -> tuple[tuple[StageFigure, ...], bytes]:
    """Figures of the first frame, over the pixels that the shells could render, and a JPEG from the origin.

    Without OpenGL there are neither: that is logged, and the show is as good without.
    """
    try:
        with _renderer(shot, gop) as renderer:
            figures = []
            for view in measured_views(shot):
                error = gop.msi_errors.get(view.name)  # none of a camera that shows nothing
                if error is None or not error.mask.any():
                    continue
                truth = images[view.name].astype(np.float64) / 255
                layers = renderer.render(ModelView(view.model, view.T_show_camera), dtype="uint8")[..., :3] / 255.0
                msi = psnr_of(error.squared / (3 * int(error.mask.sum())))
                # Both on the pixels that the shells could render; told as on all, where the decoded show is judged.
                whole = psnr(truth, layers, view.weight > 0)
                collapse = msi - psnr(truth, layers, error.mask)
                held_out = any(view is other for other in shot.held_out)
                figures.append(StageFigure(view.name, 0, held_out, round(whole + collapse, 2), round(whole, 2)))
            width, height = _POSTER
            head = head_view(np.eye(4), width=width, height=height, fov=float(_POSTER_FOV))
            return tuple(figures), jpeg(renderer.render(head, dtype="uint8")[..., :3])
    except DisplayError as error:
        log.warning("no figures by stage and no poster: %s", error)
        return (), b""


@contextmanager
def _renderer(shot: Shot, gop: EncodedGop) -> Iterator[HeadlessRenderer]:
    colour, alpha = gop.first_atlas
    with HeadlessRenderer(shot.projection) as renderer:
        renderer.set_geometry(gop.geometry)
        renderer.set_picture_rgb_alpha_float(
            0, colour.astype(np.float32) / np.float32(255), alpha.astype(np.float32) / np.float32(255)
        )
        yield renderer
