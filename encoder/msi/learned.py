"""The solvers whose weights were learned, by what `encode --solver` calls them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from encoder.msi.network import LearnedDescent
from encoder.msi.network_solve import NetworkSolver
from encoder.msi.scene import Scene
from encoder.msi.solve import SolveConfig, SolverName
from encoder.msi.stereo import StereoNetwork
from encoder.msi.stereo_solve import StereoSolver
from encoder.msi.views import Floats
from encoder.msi.weights_file import read_weights

# What a learned solver holds for a texel of a shell beside RGBA (16), votes for what changed and whether it may change
# (14): the network its answer (16) and the components (64), with a pool those of one view and what is made of them; the
# stereo network the pictures on all shells.
_NETWORK_BYTES, _POOLING_BYTES, _STEREO_BYTES = 110, 450, 64
_SHIPPED = Path(__file__).parent / "weights"


class LearnedSolver(Protocol):
    """Solves the shells of one window, frame by frame."""

    def solve(
        self, images: Mapping[str, NDArray[np.uint8]], shells: Floats, *, free: NDArray[np.uint8] | None = None
    ) -> None:
        """Writes `shells` (N, H, W, 4) float32 straight RGBA, all texels or those that are free, (N, H, W) uint8.

        Args:
            images: (height, width, 3) uint8 sRGB by the views' names, of those that see anything.
        """


def learned_solver(scene: Scene, config: SolveConfig) -> LearnedSolver:
    """The solver that the settings name, with its weights.

    Raises:
        FormatError, StorageError: the weights cannot be used. UsageError: this solver is not for so many cameras.
    """
    network = load_network(config.solver, config.weights or shipped(config.solver))
    if isinstance(network, StereoNetwork):
        return StereoSolver(network, scene)
    return NetworkSolver(network, scene, config.network_start)


def learned_bytes(config: SolveConfig) -> int:
    """What the solver that the settings name holds for each texel of its shells. Raises FormatError, StorageError."""
    network = load_network(config.solver, config.weights or shipped(config.solver))
    if isinstance(network, StereoNetwork):
        return _STEREO_BYTES
    return _NETWORK_BYTES if network.config.pooling == "sum" else _POOLING_BYTES


def shipped(solver: SolverName) -> Path:
    """The weights that come with this package."""
    return _SHIPPED / ("stereo.safetensors" if solver == "stereo" else "network.safetensors")


@lru_cache(maxsize=2)
def load_network(solver: SolverName, weights: Path) -> LearnedDescent | StereoNetwork:
    """The network of a file, read once. Raises FormatError, StorageError."""
    if solver == "stereo":
        return read_weights(weights, StereoNetwork)[0]
    return read_weights(weights, LearnedDescent)[0]
