"""Seconds: of a search, and of starting up."""
