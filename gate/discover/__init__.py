"""Turn what the user names (paths, the index, a diff) into model files, each read once."""
