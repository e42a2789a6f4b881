"""Multi-sphere and multi-plane images: shells, sweep, differentiable rendering, solvers."""

import numba

# Of the layers that run kernels from any thread, this one comes with the compiler's runtime; TBB's version varies.
numba.config.THREADING_LAYER = "omp"
