"""Mathematics that several parts use."""
