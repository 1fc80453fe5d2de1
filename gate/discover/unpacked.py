"""Models that Keras saved as a directory: config.json and metadata.json beside the weights.

Keras loads such a directory. The gate does not scan it, and says so, whichever of its files is changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from gate.core import incomplete_rules
from gate.core.report import Gap

# Returns whether there is a file of a name.
Exists = Callable[[str], bool]

CONFIG = "config.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")  # in the order in which Keras looks for them
_DESCRIPTIONS = (CONFIG, "metadata.json")
_ASSETS = "assets"
_ARCHIVE = re.compile(r"[^/]\.keras$", re.IGNORECASE)


def is_part(path: str) -> bool:
    """Return whether a file may belong to an unpacked model by its name."""
    return bool(next(_folders(path), None) is not None or _is_weights(path))


def weights_beside(path: str, exists: Exists) -> str:
    """Return the weights of the unpacked model to which a description or an asset belongs; "" if to none.

    A folder that is called like an archive is one even if its weights are elsewhere.
    """
    for folder in _folders(path):
        places = [posixpath.join(folder, name) for name in WEIGHTS]
        found = next(filter(exists, places), places[0] if _ARCHIVE.search(folder) else "")
        if found:
            return found
    return ""


def is_unpacked(path: str, exists: Exists) -> bool:
    """Return whether weights are those of an unpacked model: Keras would build what the file beside them says."""
    folder = posixpath.dirname(path)
    is_beside = bool(_ARCHIVE.search(folder)) or exists(posixpath.join(folder, CONFIG))
    return _is_weights(path) and is_beside


def unpacked_gap(path: str) -> Gap:
    """Return why an unpacked model is not scanned."""
    return Gap(
        rule=incomplete_rules.UNSUPPORTED.id,
        message=f"{path}: the weights of a model that is stored as a directory, which cannot be scanned. Load the directory "
        "where it is trusted, save it with `model.save('model.keras')`, and commit that in its place.",
    )


def _is_weights(path: str) -> bool:
    return posixpath.basename(path).lower() in WEIGHTS


def _folders(path: str) -> Iterator[str]:
    """Yield the folders whose model a file could belong to."""
    folder, name = posixpath.split(path)
    if name.lower() in _DESCRIPTIONS:
        yield folder
    parts = folder.split("/")
    yield from ("/".join(parts[:end]) for end, part in enumerate(parts) if part.lower() == _ASSETS)
