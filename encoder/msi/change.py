"""What happened between two frames, as a solver found it: what is solved anew, and what was lit otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.msi.views import Floats


@dataclass(frozen=True, eq=False)
class Change:
    """A frame against the one before.

    Attributes:
        free, lit: (N, H, W) uint8 texels that are solved anew, and those whose light alone changed.
        light: (G, H, W, 3) float32 factors of the light; light_of: (N,) int64 which of them a shell or layer has.
    """

    free: NDArray[np.uint8]
    lit: NDArray[np.uint8]
    light: Floats
    light_of: NDArray[np.int64]
