"""Fill a network from the `model.weights.h5` of a .keras archive.

Keras itself decides which array belongs to which weight (`_load_state`, private: keras is pinned below 3.16, and a test
fails when it moves), but what it reads comes from our own checked store.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from gate.models.rebuild import store
from gate.models.rebuild.problems import cause, damaged, shown

Arrays = dict[str, dict[str, Any]]

_MEMBER = "model.weights.h5"
LARGEST_RATIO = 50
SMALL = 2**20
# The state of training lies beside the network's weights, and in an inner network that was compiled.
TRAINING = frozenset(
    {"optimizer", "metrics", "_metrics", "compile_metrics", "_compile_metrics", "_loss_tracker"}
)
_CHANCE = "seed_generator"


def unpack(file: Path) -> io.BytesIO:
    """Return the archive's weights, as an HDF5 file in memory.

    Raises:
        IncompleteError: They unpack to far more than the archive holds (BD001).
    """
    with zipfile.ZipFile(file) as archive:
        about = archive.getinfo(_MEMBER)
        if about.file_size > max(about.compress_size * LARGEST_RATIO, SMALL):
            raise damaged(f"{_MEMBER} unpacks from {about.compress_size} to {about.file_size} bytes.")
        if about.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged(f"{_MEMBER} is compressed in a way that Keras does not use.")
        with archive.open(about) as member:
            return io.BytesIO(member.read(about.file_size))


def stored(file: Any) -> Arrays:
    """Return the data sets of every layer, by the layer's path and their number.

    Args:
        file: The open HDF5 file.

    Raises:
        IncompleteError: An array is none that Keras writes (BD001).
    """
    found: Arrays = {}
    for path, dataset in store.arrays(file):
        parts = path.replace("\\", "/").split("/")  # Keras 2 on Windows
        if TRAINING.isdisjoint(parts) and _CHANCE not in parts:
            if len(parts) < 2 or parts[-2] != "vars":
                raise damaged(f"The weights hold {shown(path)}; expected .../vars/<number>.")
            found.setdefault("/".join(parts[:-2]), {})[parts[-1]] = dataset
    return found


class _FirstOnly(dict[int, tuple[Any, Exception]]):
    """Keeps the first error of each layer: Keras comes by again on other paths, where it finds nothing."""

    def __setitem__(self, layer: int, error: tuple[Any, Exception]) -> None:
        self.setdefault(layer, error)


def fill(network: Any, found: Arrays) -> None:
    """Assign every stored array to the weight that it belongs to.

    Raises:
        IncompleteError: A weight or an array is left over, or a shape differs (BD001).
    """
    from keras.src.saving import saving_lib

    class Shelf(saving_lib.H5IOStore):  # type: ignore[misc]  # Keras ships no types
        """Gives Keras the arrays of one layer after the other, and knows which are left."""

        def __init__(self) -> None:
            self.left = dict(found)

        def get(self, path: str) -> dict[str, Any]:
            return {number: store.read(array) for number, array in self.left.pop(path, {}).items()}

        def has_path(self, path: str) -> bool:
            return any(stored.startswith(f"{path}/") for stored in self.left)

        def __bool__(self) -> bool:
            return True

    shelf, problems = Shelf(), _FirstOnly()
    saving_lib._load_state(
        network,
        weights_store=shelf,
        assets_store=None,
        inner_path="",
        visited_saveables=set(),
        failed_saveables=set(),
        error_msgs=problems,
    )
    for layer, error in problems.values():
        raise damaged(
            f"The weights of the layer {shown(getattr(layer, 'name', ''))} do not fit: {cause(error)}."
        )
    if shelf.left:
        raise damaged(
            f"The file holds weights at {shown(next(iter(shelf.left)))}, which the architecture does not have."
        )
