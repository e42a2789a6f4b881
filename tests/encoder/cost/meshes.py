"""Meshes whose coverage is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from protocol.mesh_codec import LayerMesh
from protocol.projection import Projection
from tests.player.scenes import grid_layer

PLANE = Projection("plane", 128, 96, left=-2.0, top=1.5, density=32.0)
DOME = Projection("sphere", 256, 96, left=-2.5, top=0.9, density=51.2)
BOX = {"comfort_min": np.array([-0.2, -0.1, -0.1]), "comfort_max": np.array([0.2, 0.15, 0.1])}


def bumpy_layer(projection: Projection, *, step: int = 8, bump: float = 0.2, seed: int = 0) -> LayerMesh:
    """The whole grid at about 1 / m, each point nearer or farther."""
    rng = np.random.default_rng(seed)
    flat = grid_layer(0, 0, projection.width, projection.height, step=step, atlas=(0, 0), disparity=1.0)
    shape = flat.disparities.shape
    return replace(flat, disparities=(1.0 + bump * rng.uniform(-1, 1, shape)).astype(np.float32))
