"""What reporters share, and the parts of the larger ones."""
