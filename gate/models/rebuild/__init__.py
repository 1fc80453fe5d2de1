"""Build a network anew from what a file says of it, by an allow-list: the file names nothing that is then run."""
