"""Multi-sphere and multi-plane images: shells, sweep, differentiable rendering, solvers."""
