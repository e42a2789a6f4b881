"""Training of the learned solvers: scenes without end, the loop, checkpoints."""
