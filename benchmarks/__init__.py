"""Measurements behind the claims of the README: `python -m benchmarks`."""
