"""Make the meta-model that comes with the gate, and say how good it is.

With OUT, a folder of networks, every one that is not in the committed file of features yet is asked its questions first: some
5 s each. The file is committed, so the meta-model is made again in seconds. It is made of the calibration and validation splits,
and judged on networks of an architecture that it was not made of.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.metrics import auc, auc_interval
from benchmarks.networks import truth
from benchmarks.results import META_FEATURES
from gate.detectors.meta.features import describe
from gate.detectors.meta.fit import fit, held_out
from gate.detectors.meta.responses import ask
from gate.detectors.meta_neural_analysis import TABLE

_SPLITS = ("calibration", "validation")
# A backdoor that works less often is neither one thing nor the other.
_WORKS = 0.9
_DIGITS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The networks that a meta-model can be made of or judged on; n of them.

    Attributes:
        names: Of the features.
        features: Shape ``(n, f)``.
        is_bad: Shape ``(n,)``.
        architectures: As numbers, shape ``(n,)``.
        architecture_names: What the numbers mean.
        is_test: Which networks are of the test split, shape ``(n,)``.
    """

    names: tuple[str, ...]
    features: Floats
    is_bad: NDArray[np.bool_]
    architectures: NDArray[np.int64]
    architecture_names: tuple[str, ...]
    is_test: NDArray[np.bool_]


def collect(folder: Path, file: Path = META_FEATURES) -> None:
    """Ask every network that the file does not hold yet, and add its line."""
    import keras

    from gate.models.classifier import Classifier

    done = {each["name"] for each in _records(file)}
    for truth_file in sorted(folder.glob("*.truth.json")):
        recipe, true = truth.read(truth_file)
        if recipe.name in done:
            continue
        started = time.perf_counter()
        keras.backend.clear_session()
        network = keras.models.load_model(folder / f"{recipe.name}.keras", compile=False)
        classifier = Classifier(network).with_input_range(*true.limits)
        found = describe(ask(classifier))
        add(file, recipe.name, recipe.split, recipe.architecture, recipe.attack, true.success, found)
        print(f"{recipe.name}: {time.perf_counter() - started:.1f} s", flush=True)


def add(
    file: Path,
    name: str,
    split: str,
    architecture: str,
    attack: str,
    success: float | None,
    found: dict[str, float],
) -> None:
    """Add a network's line to the file."""
    record = {
        "name": name,
        "split": split,
        "architecture": architecture,
        "attack": attack,
        "success": None if success is None else round(success, 4),
        "features": {key: float(f"{value:.{_DIGITS}g}") for key, value in found.items()},
    }
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def known(file: Path = META_FEATURES) -> Known:
    """Return the clean networks of the file, and those whose backdoor works."""
    records = [each for each in _records(file) if not each["attack"] or each["success"] >= _WORKS]
    names = tuple(records[0]["features"])
    architectures, numbers = np.unique([each["architecture"] for each in records], return_inverse=True)
    return Known(
        names=names,
        features=np.array([[each["features"][name] for name in names] for each in records]),
        is_bad=np.array([bool(each["attack"]) for each in records]),
        architectures=numbers,
        architecture_names=tuple(map(str, architectures)),
        is_test=np.array([each["split"] not in _SPLITS for each in records]),
    )


def _records(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def report(networks: Known) -> Iterator[str]:
    """Yield how well networks of an architecture that is left out are judged, as a table."""
    made = ~networks.is_test
    yield "| judged | clean | backdoored | AUC (95 %) |\n|---|---:|---:|---|"
    sums = np.full(len(networks.is_bad), np.nan)
    sums[made] = held_out(networks.features[made], networks.is_bad[made], networks.architectures[made])
    for number in np.unique(networks.architectures):
        is_it = networks.architectures == number
        asked, taught = is_it & networks.is_test, made & ~is_it
        meta = fit(
            networks.names, networks.features[taught], networks.is_bad[taught], networks.architectures[taught]
        )
        sums[asked] = [meta.total(each) for each in networks.features[asked]]
    yield _line("calibration and validation, its architecture left out", sums, networks.is_bad, made)
    yield _line("test, its architecture left out", sums, networks.is_bad, networks.is_test)
    for number, name in enumerate(networks.architecture_names):
        yield _line(f"all splits, {name} left out", sums, networks.is_bad, networks.architectures == number)
    meta = fit(networks.names, networks.features[made], networks.is_bad[made], networks.architectures[made])
    final = np.array([meta.total(each) for each in networks.features])
    yield _line("test, by the meta-model that is shipped", final, networks.is_bad, networks.is_test)
    blamed = np.array([meta.index(each) > 2 for each in final]) & networks.is_test
    alarms, hits = (blamed & ~networks.is_bad).sum(), (blamed & networks.is_bad).sum()
    yield f"\nAt 2.0 the shipped one blames {alarms} of the clean and {hits} of the backdoored networks of the test split."


def _line(name: str, sums: Floats, is_bad: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> str:
    clean, bad = sums[chosen & ~is_bad], sums[chosen & is_bad]
    if not len(clean) or not len(bad):
        return f"| {name} | {len(clean)} | {len(bad)} | - |"
    low, high = auc_interval(clean, bad)
    return f"| {name} | {len(clean)} | {len(bad)} | {auc(clean, bad):.2f} ({low:.2f}-{high:.2f}) |"


def main(words: Sequence[str]) -> None:
    """Collect if there is a folder, then fit, write and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks calibrate meta", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT", help="folder of networks")
    folder = parser.parse_args(words).out
    if folder is not None:
        collect(folder)
    networks = known()
    made = ~networks.is_test
    meta = fit(networks.names, networks.features[made], networks.is_bad[made], networks.architectures[made])
    TABLE.write_text(meta.dump(), encoding="utf-8")
    print(*report(networks), sep="\n")
