"""The gate asked through its command line, as a user would ask it."""
