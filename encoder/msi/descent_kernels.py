"""The update of descent: Adam on straight RGBA with smoothness and a prior, fused so that memory is passed over once."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from encoder.msi.kernel_options import OPTIONS

F = np.float32


@njit(parallel=True, **OPTIONS)
def update(shells, gradient, first, second, prior, frozen, rates, smooth, anchor, beta1, beta2, step):  # type: ignore[no-untyped-def]
    """One Adam step in place; clears `gradient`.

    shells, gradient, first, second: (N, H, W, 4) float32. prior (N, H, W, 4) uint8: the sweep's colour and alpha, straight. frozen (N, H, W) uint8: texels
    that keep their value, or (1, 1, 1) for none. rates,
    smooth, anchor: (4,) float32 per channel: step size, weight of the distance to the four neighbours' mean, weight of the distance
    to the prior. The farthest shell stays opaque. Shells are independent, so the result does not depend on threads.
    """
    N, H, W, _ = shells.shape
    all_free = frozen.shape[1] != H
    correct1 = F(1) / (F(1) - beta1**step)
    correct2 = F(1) / (F(1) - beta2**step)
    for i in prange(N):
        for y in range(H):
            up, down = max(y - 1, 0), min(y + 1, H - 1)
            for x in range(W):
                if not all_free and frozen[i, y, x]:
                    for c in range(4):
                        gradient[i, y, x, c] = F(0)
                    continue
                left, right = max(x - 1, 0), min(x + 1, W - 1)
                for c in range(4):
                    value = shells[i, y, x, c]
                    near = F(0.25) * (
                        shells[i, up, x, c] + shells[i, down, x, c] + shells[i, y, left, c] + shells[i, y, right, c]
                    )
                    g = gradient[i, y, x, c]
                    g += smooth[c] * (value - near) + anchor[c] * (value - F(prior[i, y, x, c]) * F(1 / 255))
                    gradient[i, y, x, c] = F(0)
                    m = beta1 * first[i, y, x, c] + (F(1) - beta1) * g
                    v = beta2 * second[i, y, x, c] + (F(1) - beta2) * g * g
                    first[i, y, x, c] = m
                    second[i, y, x, c] = v
                    value -= rates[c] * (m * correct1) / (np.sqrt(v * correct2) + F(1e-8))
                    shells[i, y, x, c] = min(max(value, F(0)), F(1))
                if i == 0:
                    shells[i, y, x, 3] = F(1)
