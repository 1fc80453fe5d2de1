"""By how much a patch at each place makes each class lead; resumes.

What `universal-patch` sees before it makes patches small: a table of places and classes for each network of the folder OUT, on the
very images that the gate would draw. With `--public TABLE.csv` networks by other authors join in. Tables are kept in OUT until all
are done, and gathered in FILE: an array of shape ``(places, classes)`` by the network's name, margins in logits.
From them statistics can be tried in seconds, without the networks: `python -m benchmarks calibrate surveys --show` prints the lead of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.networks import truth
from benchmarks.networks.opened import open_network
from benchmarks.results import SURVEYS
from benchmarks.scans.verdicts import read_truth
from gate.core.share import share
from gate.detectors.inversion.patch_scan import scan_patches
from gate.detectors.scoring.outliers import location_lead
from gate.detectors.universal_patch import classes_to_survey, plan_of
from gate.models.classifier import Classifier
from gate.models.surrogates.pools import SurrogatePools

_SUFFIX = ".survey.npy"


def margins(classifier: Classifier, seed: int = 0) -> NDArray[np.float64] | None:
    """Return by how much each class leads the next one with its best patch at each place, shape ``(places, k)``.

    None if the gate would try some of the classes only.

    Args:
        classifier: The network, with its input range set.
        seed: Of every random choice.
    """
    pool = SurrogatePools(classifier, seed).pool(0)
    labels = classes_to_survey(classifier, pool, seed)
    if len(labels) < classifier.num_classes:
        return None
    plan = plan_of(classifier.input_shape, len(labels))
    return scan_patches(classifier, pool, labels, plan, seed, lambda *_: None).margins


def networks(folder: Path, public: Path | None) -> Iterator[tuple[str, Path, tuple[float, float]]]:
    """Yield name, file and input range of each network; public ones of unknown range are left out."""
    for file in sorted(folder.glob("*.truth.json")):
        recipe, known = truth.read(file)
        yield recipe.name, folder / f"{recipe.name}.keras", known.limits
    for case in read_truth(public) if public else ():
        if case.limits and case.label != "unsupported":
            yield case.file.name, case.file, case.limits


def look(model: Path, limits: tuple[float, float], file: Path) -> str:
    """Write the table of one network, if all its classes are tried; return what to say of it."""
    import keras

    keras.backend.clear_session()
    found = margins(open_network(model, limits))
    if found is None:
        return "left out, not all classes are tried"
    np.save(file, found.astype(np.float16))
    return "class {1} leads by {0:.2f}".format(*location_lead(found))


def shown(tables: Mapping[str, NDArray[np.float16]]) -> Iterator[str]:
    """Yield the lead of each network, the largest first."""
    leads = {
        name: (*location_lead(table.astype(np.float64)), table.shape[1]) for name, table in tables.items()
    }
    yield "| network | classes | class | lead |\n|---|---:|---:|---:|"
    for name, (size, label, classes) in sorted(leads.items(), key=lambda each: -each[1][0]):
        yield f"| {name} | {classes} | {label} | {size:.2f} |"


def main(words: Sequence[str]) -> None:
    """PatchScan what is not there yet, then gather; or show what was gathered."""
    arguments = _parser().parse_args(words)
    if arguments.show or arguments.out is None:
        with np.load(arguments.file) as tables:
            print(*shown(tables), sep="\n")
        return
    first, parts = arguments.part
    every = list(networks(arguments.out, arguments.public))
    files = {name: arguments.out / f"{name}{_SUFFIX}" for name, *_ in every}
    for name, model, limits in every[first - 1 :: parts]:
        if not files[name].exists():
            print(f"{name}: {look(model, limits, files[name])}", flush=True)
    done = {name: np.load(file) for name, file in files.items() if file.exists()}
    np.savez_compressed(arguments.file, **done)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks calibrate surveys", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT", help="folder of networks")
    parser.add_argument("file", type=Path, nargs="?", default=SURVEYS, metavar="FILE.npz")
    parser.add_argument("--public", type=Path, metavar="TABLE.csv", help="networks by other authors")
    parser.add_argument("--show", action="store_true", help="print what was gathered")
    parser.add_argument(
        "--part", type=share, default=(1, 1), metavar="I/N", help="every N-th network, from the I-th"
    )
    return parser
