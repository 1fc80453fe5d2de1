"""What fits the constants that the gate ships."""
