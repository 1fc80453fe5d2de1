"""The user's images: an npz file, or a folder with one sub-folder per class."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core.errors import DataError
from gate.core.text import printable

Images = NDArray[np.float32]
Shape = tuple[int, int, int]

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm"})
_LIMIT = 20_000
_HINT = "Give an .npz with x_train (n, h, w, c) and y_train (n,), or a folder with one sub-folder per class."


class Role(StrEnum):
    """What the images are to the model."""

    CLEAN = "clean"
    TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images that fit one network.

    Attributes:
        images: Shape ``(n, h, w, c)``, 0..1.
        labels: Class of each image, shape ``(n,)``; None without labels.
        role: Trusted samples, or the suspect training set.
        source: File or folder, for the report.
    """

    images: Images
    labels: NDArray[np.int64] | None
    role: Role
    source: str


def load(path: Path, role: Role, shape: Shape, num_classes: int, span: tuple[float, float]) -> Dataset:
    """Read a data set and check that it fits the network.

    Args:
        path: An .npz file (keys x_train/y_train, x_test/y_test or x/y) or a folder of class folders.
        role: What the images are to the model.
        shape: (height, width, channels) that the network expects.
        num_classes: Number of classes that the network knows.
        span: Raw (low, high); floating point images are expected in it, 8-bit images in 0..255.

    Raises:
        DataError: Anything that does not fit, with what was expected and received.
    """
    name = printable(str(path))
    raw: NDArray[Any]
    labels: NDArray[Any] | None
    if path.is_dir():
        raw, labels = _read_folder(path, shape, name)
    elif path.is_file():
        raw, labels = _read_npz(path, role, name)
    else:
        raise DataError(f"{name}: no such file or folder of images.", hint=_HINT)
    images = _scaled(_shaped(raw, shape, name), span, name)
    if labels is not None:
        labels = _checked_labels(labels, len(images), num_classes, name)
    keep = _evenly(len(images))
    return Dataset(images[keep], None if labels is None else labels[keep], role, name)


def _read_npz(path: Path, role: Role, name: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{name}: expected an .npz file, received another kind of file.", hint=_HINT)
    try:
        with np.load(path, allow_pickle=False) as archive:
            order = ("train", "test") if role is Role.TRAIN else ("test", "train")
            for x, y in (*((f"x_{part}", f"y_{part}") for part in order), ("x", "y")):
                if x in archive.files:
                    return archive[x], archive[y] if y in archive.files else None
            found = ", ".join(map(printable, archive.files)) or "nothing"
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{name}: cannot be read as .npz ({printable(str(error))}).", hint=_HINT) from error
    raise DataError(f"{name}: expected the key x_train, x_test or x, received {found}.", hint=_HINT)


def _read_folder(path: Path, shape: Shape, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    folders = sorted((entry for entry in path.iterdir() if _is_class_folder(entry)), key=_numbers_first)
    pictures = [
        (file, label)
        for label, folder in enumerate(folders)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _PICTURES
    ]
    if not pictures:
        raise DataError(f"{name}: no pictures in sub-folders.", hint=_HINT)
    kept = [pictures[i] for i in _evenly(len(pictures))]
    images = np.stack([_read_picture(file, shape) for file, _ in kept])
    return images, np.array([label for _, label in kept])


def _is_class_folder(entry: Path) -> bool:
    # A .git or .ipynb_checkpoints among the classes would shift every label.
    return entry.is_dir() and not entry.name.startswith(".")


def _numbers_first(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdecimal() else 1 << 62, folder.name)


def _read_picture(file: Path, shape: Shape) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    height, width, channels = shape
    try:
        with Image.open(file) as picture:
            fitted = picture.convert("L" if channels == 1 else "RGB").resize((width, height))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{printable(str(file))}: not a picture that can be read.", hint="Remove or mend it."
        ) from error
    return np.asarray(fitted, np.uint8).reshape(shape)


def _shaped(raw: NDArray[Any], shape: Shape, name: str) -> NDArray[Any]:
    if raw.ndim == 3 and shape[2] == 1:
        raw = raw[..., None]
    if raw.ndim != 4 or raw.shape[1:] != shape or not raw.size:
        expected = " x ".join(map(str, shape))
        received = " x ".join(map(str, raw.shape)) or "one number"
        raise DataError(
            f"{name}: the images do not fit the model: expected n x {expected}, received {received}.",
            hint="Resize or convert them to the model's input shape.",
        )
    return raw


def _scaled(raw: NDArray[Any], span: tuple[float, float], name: str) -> Images:
    low, high = (0.0, 255.0) if raw.dtype == np.uint8 else span
    if raw.dtype.kind not in "uif":
        raise DataError(f"{name}: expected numbers, received {raw.dtype}.", hint=_HINT)
    images: Images = (raw.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    if not np.isfinite(images).all():
        raise DataError(f"{name}: some pixels are NaN or infinite.", hint="Remove those images.")
    if images.min() < -0.02 or images.max() > 1.02:
        raise DataError(
            f"{name}: expected pixels in {low:g}..{high:g}, received {raw.min():g}..{raw.max():g}.",
            hint="Store 8-bit images (uint8), or state the model's range with --input-range LOW,HIGH.",
        )
    return np.clip(images, 0.0, 1.0)


def _checked_labels(labels: NDArray[Any], count: int, num_classes: int, name: str) -> NDArray[np.int64]:
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (count,) or labels.dtype.kind not in "ui":
        raise DataError(
            f"{name}: expected {count} whole-number labels, received {labels.dtype} of shape {labels.shape}.",
            hint=_HINT,
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            f"{name}: expected labels 0..{num_classes - 1}, received {labels.min()}..{labels.max()}.",
            hint="Count labels from 0, in the order of the model's outputs.",
        )
    return labels.astype(np.int64)


def _evenly(count: int) -> NDArray[np.int64]:
    """Return the positions of at most `_LIMIT` images, spread evenly, so that no class is cut off."""
    if count <= _LIMIT:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, _LIMIT).astype(np.int64))
