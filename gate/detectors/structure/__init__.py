"""A network as it is built: what training does not produce, and what stands still."""
