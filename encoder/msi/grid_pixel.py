"""Where a texel lies in a camera, from the grid of every few texels' pixels that `Scene.grids` holds."""

from __future__ import annotations

import numpy as np
from numba import njit

from encoder.msi.kernel_options import OPTIONS

F = np.float32


@njit(inline="always", **OPTIONS)
def grid_pixel(grid, y0, x0, wy, wx):  # type: ignore[no-untyped-def]
    """Pixel (u, v) between the points y0, y0 + 1 and x0, x0 + 1 of grid (gh, gw, 2), as far on as wy and wx."""
    u = (grid[y0, x0, 0] * (F(1) - wx) + grid[y0, x0 + 1, 0] * wx) * (F(1) - wy) + (
        grid[y0 + 1, x0, 0] * (F(1) - wx) + grid[y0 + 1, x0 + 1, 0] * wx
    ) * wy
    v = (grid[y0, x0, 1] * (F(1) - wx) + grid[y0, x0 + 1, 1] * wx) * (F(1) - wy) + (
        grid[y0 + 1, x0, 1] * (F(1) - wx) + grid[y0 + 1, x0 + 1, 1] * wx
    ) * wy
    return u, v
