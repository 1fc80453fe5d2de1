"""Where the files are that come with the package and are no code."""

from __future__ import annotations

from pathlib import Path


def folder(installed: str, checkout: str) -> Path:
    """Return a folder of such files: in the package if it is installed, beside it in a checkout.

    Args:
        installed: Name below the package, as the wheel lays it out (see pyproject.toml).
        checkout: Path below the repository's root.
    """
    package = Path(__file__).parents[1]
    in_package = package / installed
    return in_package if in_package.is_dir() else package.parent / checkout
