"""Backdoor attacks, one file per kind of trigger: how each marks an image, and which label it teaches for the mark."""
