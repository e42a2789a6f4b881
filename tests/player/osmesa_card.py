"""Draws a grey card with OSMesa, in a process of its own, and prints the largest difference from what it must be."""

from __future__ import annotations

import moderngl
import numpy as np

from player.composite.osmesa import OsmesaContext
from player.headless import HeadlessRenderer
from protocol.mesh_codec import Geometry
from tests.player.scenes import PLANE, grid_layer, rgb, rung, texel_view, yuv

if __name__ == "__main__":
    ctx = moderngl.create_context(require=330, context=OsmesaContext())  # type: ignore[arg-type]
    planes = yuv(np.full((48, 64, 3), (0.3, 0.5, 0.7)), np.ones((48, 64)))
    with HeadlessRenderer(PLANE, rung(), ctx=ctx) as renderer:
        renderer.set_geometry(Geometry((grid_layer(0, 0, 64, 48, step=16, atlas=(0, 0), disparity=1.0),)))
        renderer.set_frame(0, *planes)
        drawn = renderer.render(texel_view())
    print(np.abs(drawn[:40, :, :3] - rgb(*planes)[0, 0]).max())  # noqa: T201
