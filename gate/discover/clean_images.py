"""Find what looks like a test set among the files that git tracks, by their names; only an .npz is asked for its keys."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gate.core.data_names import PICTURES, SAVED_SPEC, TFRECORD
from gate.core.errors import IncompleteError
from gate.core.text import printable
from gate.discover.repository import git

# Fewer pictures are rather examples for a test of code.
FEWEST = 50
_TEST = frozenset(
    {"clean", "eval", "evaluation", "holdout", "test", "tests", "testset", "val", "valid", "validation"}
)
# Folders that hold pictures and are no class.
_NO_CLASS = (
    frozenset({"image", "images", "img", "imgs", "mask", "masks", "picture", "pictures", "train"}) | _TEST
)

Paths = Sequence[PurePosixPath]


@dataclass(frozen=True, slots=True)
class CleanImages:
    """What may be a test set.

    Attributes:
        path: In the repository, with forward slashes; printable.
        kind: What it is, for people.
    """

    path: str
    kind: str


def find(root: Path, environ: Mapping[str, str]) -> CleanImages | None:
    """Return what looks most like a test set; None if nothing does, or git does not answer.

    Args:
        root: Of the repository.
        environ: For git.
    """
    try:
        listed = git(("ls-files", "-z"), root, environ).split(b"\0")
    except IncompleteError:
        return None
    names = (name.decode("utf-8", "replace") for name in listed if name)
    tracked = sorted(PurePosixPath(name) for name in names if printable(name, len(name)) == name)
    ways: tuple[Callable[[Paths, Path], Iterator[CleanImages]], ...] = (_folders, _arrays, _saved, _records)
    found = (each for way in ways for each in way(tracked, root) if (root / each.path).exists())
    return next(found, None)


def _folders(tracked: Paths, root: Path) -> Iterator[CleanImages]:
    """Yield folders of pictures, or of the folders of classes, those with the most pictures first."""
    pictures = [path for path in tracked if path.suffix.lower() in PICTURES]
    inner = _inner_folders(pictures)
    # A folder beside those of the classes would count as one.
    everything = _inner_folders(tracked)
    counts: Counter[PurePosixPath] = Counter()
    for picture in pictures:
        above = picture.parent.parent
        has_classes = len(inner.get(above, ())) > 1 and inner[above] == everything[above]
        is_of_classes = has_classes and not any(_words(name) & _NO_CLASS for name in inner[above])
        counts[above if is_of_classes else picture.parent] += 1
    for folder, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        if count >= FEWEST and _is_test(folder):
            yield CleanImages(str(folder), f"{count} pictures")


def _inner_folders(paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, set[str]]:
    """Return the names of the folders directly inside of each folder."""
    found: dict[PurePosixPath, set[str]] = {}
    for path in paths:
        for folder in path.parents:
            if not folder.name.startswith("."):
                found.setdefault(folder.parent, set()).add(folder.name)
    return found


def _arrays(tracked: Paths, root: Path) -> Iterator[CleanImages]:
    for path in tracked:
        if path.suffix.lower() == ".npz":
            keys = _keys(root / path)
            wanted = [key for key in ("x_test", "x") if key in keys]
            if "x_test" in wanted or (wanted and _is_test(path)):
                yield CleanImages(str(path), f"an .npz with {wanted[0]}")


def _keys(file: Path) -> set[str]:
    """Return the names of the arrays in an .npz file; none if it cannot be read, such as a pointer of LFS."""
    try:
        with zipfile.ZipFile(file) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return set()


def _saved(tracked: Paths, root: Path) -> Iterator[CleanImages]:
    for path in tracked:
        if path.name == SAVED_SPEC and _is_test(path.parent):
            yield CleanImages(str(path.parent), "a data set of tf.data")


def _records(tracked: Paths, root: Path) -> Iterator[CleanImages]:
    """Yield a file of records, or the folder of several."""
    files = [path for path in tracked if TFRECORD.search(path.name) and _is_test(path)]
    together = Counter(path.parent for path in files)
    for path in files:
        yield CleanImages(str(path.parent if together[path.parent] > 1 else path), "TFRecord files")


def _is_test(path: PurePosixPath) -> bool:
    return bool(_words(str(path)) & _TEST)


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))
