"""How much of the space around a show covers, and how finely."""

from __future__ import annotations

import numpy as np

from protocol.projection import Projection


def field_of_view(projection: Projection) -> tuple[float, float]:
    """Across and up, degrees."""
    p = projection
    width, height = p.width / p.density, p.height / p.density
    if p.kind == "sphere":
        return float(np.degrees(width)), float(np.degrees(height))
    across = np.arctan(p.left + width) - np.arctan(p.left)
    return float(np.degrees(across)), float(np.degrees(np.arctan(p.top) - np.arctan(p.top - height)))


def pixels_per_degree(projection: Projection, *, texture_scale: float) -> float:
    """Of a rung's textures; on a sphere everywhere, on a plane straight ahead."""
    return float(np.radians(projection.density * texture_scale))
