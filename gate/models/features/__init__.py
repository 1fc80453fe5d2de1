"""Activations inside a network."""
