"""Poisoned and clean training sets, and what every defence says of them."""
