"""TFRecord files of `tf.train.Example`, one image in each: an encoded picture, raw bytes, a list of numbers or a serialized tensor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.data_names import TFRECORD
from gate.core.errors import DataError
from gate.core.job import Role
from gate.core.text import printable
from gate.models.datasets import elements
from gate.models.datasets.contract import Opened, Shape, Wanted
from gate.models.datasets.elements import IMAGE_NAMES, LABEL_NAMES, Elements, Piece
from gate.models.datasets.messages import parsed
from gate.models.datasets.records import records
from gate.models.datasets.tensors import tensor

FORM = "TFRecord files"
IS_LAST = False

_SPLITS = {Role.TRAIN: {"train", "training"}, Role.CLEAN: {"test", "val", "validation", "eval"}}
_SIZES = (
    ("image/height", "height", "h"),
    ("image/width", "width", "w"),
    ("image/channels", "image/depth", "channels", "depth", "c"),
)
_PICTURE = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_SHOWN = 100
_PLAIN = (
    "Store tf.train.Example with `image` (an encoded picture, or 8-bit pixels) and `label` (a whole number)."
)

Value = list[bytes] | NDArray[Any]


def is_mine(path: Path) -> bool:
    """Return whether it is such a file by its name, or a folder of them that has no folders of classes."""
    if path.is_dir():
        return bool(_files(path)) and not any(
            entry.is_dir() and not entry.name.startswith(".") for entry in path.iterdir()
        )
    return path.is_file() and bool(TFRECORD.search(path.name))


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open it; of a folder that holds several splits, the one that fits the role.

    Raises:
        DataError: It is damaged, or does not fit.
    """
    return elements.opened(_Examples(path, wanted), wanted)


class _Examples(Elements):
    def __init__(self, path: Path, wanted: Wanted) -> None:
        self.name = printable(str(path))
        self._files = _of_role(_files(path), wanted.role) if path.is_dir() else [path]
        self._shape = wanted.shape

    def raw(self, *, verify: bool) -> Iterator[tuple[str, Any]]:
        for file in self._files:
            for number, record in enumerate(records(file, verify=verify)):
                yield f"{printable(str(file))}: record {number}", record

    def piece(self, where: str, element: Any) -> Piece:
        features = _features(element, where)
        found = _first(features, IMAGE_NAMES)
        if found is None:
            shown = printable(", ".join(sorted(features)), _SHOWN) or "nothing"
            raise DataError(f"{where}: expected a feature `image`, received {shown}.", hint=_PLAIN)
        label = _first(features, LABEL_NAMES)
        labels = None if label is None else np.asarray(label)
        if labels is not None and len(labels) == 1:
            labels = labels[0, ...]
        return Piece(_image(found, _stated(features, self._shape), where), labels)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if TFRECORD.search(file.name) and file.is_file())


def _of_role(files: list[Path], role: Role) -> list[Path]:
    """Return the split that fits the role, where the names tell several."""
    fitting = [file for file in files if _SPLITS[role] & set(re.split(r"[^a-z]+", file.name.lower()))]
    return fitting or files


def _features(record: bytes, where: str) -> dict[str, Value]:
    from tensorflow.core.example import example_pb2

    expected = f"{where}: expected a tf.train.Example"
    features = parsed(example_pb2.Example, record, expected, hint=_PLAIN).features.feature
    return {name.lower(): _value(feature) for name, feature in features.items()}


def _value(feature: Any) -> Value:
    kind = feature.WhichOneof("kind")
    if kind == "float_list":
        return np.array(feature.float_list.value, np.float32)
    if kind == "int64_list":
        return np.array(feature.int64_list.value, np.int64)
    return list(feature.bytes_list.value)


def _first(features: Mapping[str, Value], names: tuple[str, ...]) -> Value | None:
    """Return the feature with the best of some names; None if there is none, or it is empty."""
    return next((features[name] for name in names if name in features and len(features[name])), None)


def _stated(features: Mapping[str, Value], shape: Shape) -> tuple[int, ...]:
    """Return the size that an example states, as far as it does; else the network's."""
    found = (_first(features, names) for names in _SIZES)
    return tuple(
        int(each[0]) if isinstance(each, np.ndarray) and each.dtype == np.int64 else size
        for each, size in zip(found, shape, strict=True)
    )


def _image(found: Value, stated: tuple[int, ...], where: str) -> NDArray[Any] | tuple[bytes, ...]:
    if min(stated) < 1:
        raise _wrong_size("a size that is none", stated, where)
    if isinstance(found, list):
        if len(found) > 1:
            message = f"{where}: expected one image, received {len(found)}."
            raise DataError(message, hint="Write one image into each record.")
        return _of_bytes(found[0], stated, where)
    if len(found) != math.prod(stated):
        raise _wrong_size(f"{len(found)} numbers", stated, where)
    return _bytes_of(found).reshape(stated)


def _bytes_of(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return 8-bit pixels as such: an Example has only one type of whole numbers."""
    is_bytes = numbers.dtype == np.int64 and numbers.min() >= 0 and numbers.max() <= 255
    return numbers.astype(np.uint8) if is_bytes else numbers


def _of_bytes(content: bytes, stated: tuple[int, ...], where: str) -> NDArray[Any] | tuple[bytes, ...]:
    if content.startswith(_PICTURE):
        return (content,)
    if len(content) == math.prod(stated):
        return np.frombuffer(content, np.uint8).reshape(stated)
    try:
        found = tensor(content, where)
    except DataError as error:
        raise _wrong_size(f"{len(content)} bytes", stated, where) from error
    if isinstance(found, tuple):
        raise _wrong_size("a tensor of texts", stated, where)
    return found


def _wrong_size(received: str, stated: tuple[int, ...], where: str) -> DataError:
    shown = " x ".join(map(str, stated))
    return DataError(
        f"{where}: expected {shown} pixels of 8 bits, an encoded picture or a serialized tensor, received {received}.",
        hint=_PLAIN,
    )
