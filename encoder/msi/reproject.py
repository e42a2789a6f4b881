"""One camera's picture on every shell: a slice of the plane sweep volume."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.grid_pixel import grid_pixel
from encoder.msi.kernel_options import OPTIONS
from encoder.msi.simd import fetch_texel

F = np.float32


@njit(parallel=True, **OPTIONS)
def reproject(image, grid, stride, out):  # type: ignore[no-untyped-def]
    """out (N, H, W, 4) float32: what a camera sees at each texel, and weight; 0 where it sees nothing of use.

    image (h, w, 4) float32: colour and weight. grid (N, gh, gw, 2) float32: its pixels at every `stride`-th texel
    corner, from `Scene.grids`.
    """
    N, H, W, _ = out.shape
    h, w = image.shape[:2]
    flat = image.reshape(h * w * 4)
    inverse = F(1) / F(stride)
    for i in prange(N):
        texels = out[i].reshape(H * W * 4)
        for y in range(H):
            gy = (F(y) + F(0.5)) * inverse
            y0 = np.int64(gy)
            for x in range(W):
                gx = (F(x) + F(0.5)) * inverse
                x0 = np.int64(gx)
                u, v = grid_pixel(grid[i], y0, x0, gy - F(y0), gx - F(x0))
                u -= F(0.5)
                v -= F(0.5)
                at = np.int64(y * W + x) * 4
                seen = F(0)
                if u >= F(0) and v >= F(0) and u < F(w - 1) and v < F(h - 1):
                    ui, vi = np.int64(u), np.int64(v)
                    seen = fetch_texel(flat, (vi * w + ui) * 4, np.int64(w) * 4, u - F(ui), v - F(vi), texels, at)
                if seen < F(0.99):
                    for c in range(4):
                        texels[at + c] = F(0)
