"""A data set that `tf.data.Dataset.save` wrote: its files are read here, not by `Dataset.load`, which would build what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.data_names import SAVED_METADATA, SAVED_SPEC
from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets import elements
from gate.models.datasets.contract import Opened, Wanted
from gate.models.datasets.elements import IMAGE_NAMES, LABEL_NAMES, Elements, Piece
from gate.models.datasets.messages import parsed
from gate.models.datasets.records import records
from gate.models.datasets.tensors import NUMBERS, TEXT, tensor

FORM = "a folder that Dataset.save of tf.data wrote"
IS_LAST = False

_LARGEST_SPEC = 1024 * 1024
_BOOL = 10
_VERSION = 2
_ANEW = "Save it anew, with TensorFlow 2.10 or later: dataset.save(path), without compression or with GZIP."
_PLAIN = "Save images, pairs of image and label, or dictionaries with image and label: dataset.save(path)."


def is_mine(path: Path) -> bool:
    """Return whether it is a folder with the files that `save` writes beside the data."""
    return any((path / name).is_file() for name in (SAVED_SPEC, SAVED_METADATA))


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open it.

    Raises:
        DataError: It is damaged, holds other things than numbers and texts, or does not fit.
    """
    return elements.opened(_Saved(path), wanted)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which of an element's tensors are which.

    Attributes:
        types: Of all tensors, as TensorFlow numbers them.
        image: Position of the images.
        label: Position of the labels; None without.
    """

    types: tuple[int, ...]
    image: int
    label: int | None


class _Saved(Elements):
    def __init__(self, path: Path) -> None:
        self.name = printable(str(path))
        self._layout = _layout(path)
        self._files, self._count = _files(path)

    def raw(self, *, verify: bool) -> Iterator[tuple[str, Any]]:
        width, count = len(self._layout.types), 0
        for file in self._files:
            stream = records(file, verify=verify)
            while element := tuple(islice(stream, width)):
                where = f"{self.name}: element {count}"
                if len(element) < width:
                    raise DataError(
                        f"{where}: expected {width} tensors, received {len(element)}.", hint=_ANEW
                    )
                yield where, element
                count += 1
        if count != self._count:
            message = f"{self.name}: expected {self._count} elements as declared, received {count}."
            raise DataError(message, hint="Copy or save the whole folder again.")

    def piece(self, where: str, element: Any) -> Piece:
        labels = None if self._layout.label is None else self._tensor(where, element, self._layout.label)
        images = self._tensor(where, element, self._layout.image)
        return Piece(images, np.array(labels) if isinstance(labels, tuple) else labels)

    def _tensor(self, where: str, element: Any, position: int) -> NDArray[Any] | tuple[bytes, ...]:
        return tensor(element[position], where, self._layout.types[position])


def _layout(path: Path) -> _Layout:
    """Read what an element consists of.

    Raises:
        DataError: Of more than tensors of numbers and texts, or nothing in it is called an image.
    """
    from tensorflow.core.protobuf import struct_pb2

    name = printable(str(path))
    leaves = tuple(_leaves(_parsed(path / SAVED_SPEC, struct_pb2.StructuredValue), "", name))
    keys = [key.lower() for key, _ in leaves]
    image = next((keys.index(key) for key in (*IMAGE_NAMES, "", "0") if key in keys), None)
    label = next((keys.index(key) for key in (*LABEL_NAMES, "1") if key in keys), None)
    if image is None or len(set(keys)) < len(keys):
        shown = printable(", ".join(key for key, _ in leaves), 100) or "nothing"
        raise DataError(f"{name}: expected elements with one image, received {shown}.", hint=_PLAIN)
    return _Layout(tuple(kind for _, kind in leaves), image, label)


def _leaves(value: Any, key: str, name: str) -> Iterator[tuple[str, int]]:
    """Yield (last key, type) of each tensor, in the order in which TensorFlow writes them."""
    kind = value.WhichOneof("kind")
    if kind == "tensor_spec_value" and value.tensor_spec_value.dtype in {*NUMBERS, TEXT, _BOOL}:
        yield key, value.tensor_spec_value.dtype
    elif kind in ("tuple_value", "list_value"):
        for position, each in enumerate(getattr(value, kind).values):
            yield from _leaves(each, str(position), name)
    elif kind == "dict_value":
        for inner in sorted(value.dict_value.fields):
            yield from _leaves(value.dict_value.fields[inner], inner, name)
    else:
        raise DataError(
            f"{name}: expected tensors of numbers or texts, received {kind or 'nothing'} in {SAVED_SPEC}.",
            hint=_PLAIN,
        )


def _files(path: Path) -> tuple[list[Path], int]:
    """Return the files that hold the elements, and how many elements there should be.

    Raises:
        DataError: It was not written to the end, or by another version.
    """
    from tensorflow.core.protobuf import snapshot_pb2

    name = printable(str(path))
    found = _parsed(path / SAVED_METADATA, snapshot_pb2.SnapshotMetadataRecord)
    if not (found.finalized and found.version == _VERSION and found.run_id.isdecimal()):
        raise DataError(
            f"{name}: expected a data set that was saved to the end, in version {_VERSION}, received version "
            f"{found.version}{'' if found.finalized else ', unfinished'}.",
            hint=_ANEW,
        )
    run = path / found.run_id
    # A digest of the folder does not follow links, so that what lies behind one could change unseen.
    if any(folder.is_symlink() for folder in (run, *run.glob("*.shard"))):
        raise DataError(f"{name}: expected folders, received a link.", hint="Copy what it leads to.")
    return sorted(run.glob("*.shard/*.snapshot")), found.num_elements


def _parsed(file: Path, kind: Any) -> Any:
    name = printable(str(file))
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_SPEC + 1)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).", hint=_ANEW) from error
    if len(content) > _LARGEST_SPEC:
        raise DataError(f"{name}: expected {_LARGEST_SPEC} bytes at most, received more.", hint=_ANEW)
    return parsed(kind, content, f"{name}: expected what Dataset.save writes", hint=_ANEW)
