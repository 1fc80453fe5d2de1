"""Sign what a run has found, and check at deploy time that a model is one that passed."""
