"""A network as a graph of steps, and gradients through it."""
