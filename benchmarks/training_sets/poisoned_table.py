"""The detectors of training sets, and IBM ART's on the same activations, as tables.

Reads what `training-sets` made. ART is used if it can be imported (pip install
adversarial-robustness-toolbox): ActivationDefence and SpectralSignatureDefense as they come, fed the same activations.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.metrics import auc, auc_interval
from benchmarks.training_sets.art_defences import DEFENCES, art_clean
from gate.core.evidence import Evidence
from gate.core.job import Role
from gate.detectors import create
from gate.detectors.shared.contract import Context
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset
from gate.models.features.activations import Representations
from gate.models.prepare import PreparedModel

Bools = NDArray[np.bool_]

_LIMIT = 2.0
# A backdoor that the network did not learn is in the set, but leaves nothing to find in it.
_LEARNT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one defence says of one set.

    Attributes:
        defence: Who.
        statistic: Its verdict on the whole as a number; larger is more suspicious.
        alarm: Whether it raises the alarm.
        suspects: Which samples it suspects, shape ``(n,)``; all it lists, alarm or not.
        right_class: Whether it names the target first.
        false_classes: How many clean classes it blames.
        seconds: It took.
    """

    defence: str
    statistic: float
    alarm: bool
    suspects: Bools
    right_class: bool
    false_classes: int
    seconds: float


class Stored:
    """A classifier that answers with the activations and predictions that were stored with the set."""

    def __init__(self, model: Path | None, activations: NDArray[np.float32]) -> None:
        self._model, self._activations = model, activations
        self._network: Any = None

    def activation_function(self, _layer: str) -> Callable[[Any], Any]:
        """Not asked: `_Looked` knows them."""
        return lambda _images: self._activations

    def predict(self, images: Any) -> Any:
        """Ask the real network; only STRIP does."""
        if self._network is None:
            import keras

            from gate.models.classifier import Classifier

            self._network = Classifier(keras.models.load_model(self._model, compile=False))
        return self._network.predict(images)


def evidence_of(detector: str, archive: Any, model: Path) -> tuple[Evidence, float]:
    """Return a detector's evidence on a stored set, and the seconds that it took."""
    pixels = archive["images"].astype(np.float32) / np.float32(255)
    images = pixels if pixels.ndim == 4 else pixels[..., None]
    classifier: Any = Stored(model, archive["activations"])
    dataset = Dataset(ImageArray(images), archive["labels"].astype(np.int64), Role.TRAIN, "")
    known = _Looked(classifier, dataset, archive["activations"])
    pools: Any = None
    context = Context(
        model=PreparedModel(classifier=classifier, pools=pools, dataset=dataset, representations=known),
        seed=0,
        is_full=False,
        progress=lambda *_: None,
    )
    started = time.perf_counter()
    return create(detector, {}).run(context), time.perf_counter() - started


class _Looked(Representations):
    """Representations whose activations are looked up instead of computed."""

    def __init__(self, classifier: Any, dataset: Dataset, activations: NDArray[np.float32]) -> None:
        super().__init__(classifier, dataset, 0)
        self._stored = activations

    def _stream(self, positions: NDArray[np.int64], layer: str) -> Any:
        start = 0
        for images in self._images.stream(positions):
            chosen = positions[start : start + len(images)]
            yield chosen, self._stored[chosen], images
            start += len(images)


def ours(detector: str, archive: Any, model: Path) -> Outcome:
    """Return the outcome of one of our detectors."""
    evidence, seconds = evidence_of(detector, archive, model)
    target = _target(archive)
    listed = np.zeros(len(archive["labels"]), bool)
    if evidence.suspects:
        listed[[each.index for each in evidence.suspects.samples]] = True
    index = evidence.anomaly_index or 0.0
    blamed = evidence.target_labels if index > _LIMIT else ()
    return Outcome(
        defence=detector,
        statistic=index,
        alarm=index > _LIMIT,
        suspects=listed,
        right_class=bool(blamed) and blamed[0] == target,
        false_classes=len(set(blamed) - {target}),
        seconds=seconds,
    )


def art(name: str, archive: Any) -> Outcome:
    """Return the outcome of one of ART's defences, with its defaults.

    Neither has a verdict on the whole set: the alarm is raised if it lists anything, and the statistic is the
    largest share of a class that it lists.
    """
    started = time.perf_counter()
    clean = art_clean(name, archive)
    labels, target = archive["labels"], _target(archive)
    shares = np.array([(~clean[labels == label]).mean() for label in np.unique(labels)])
    blamed = np.unique(labels)[shares > 0]
    return Outcome(
        defence=name,
        statistic=float(shares.max()),
        alarm=bool((~clean).any()),
        suspects=~clean,
        right_class=bool(len(blamed)) and int(np.unique(labels)[shares.argmax()]) == target,
        false_classes=len(set(blamed.tolist()) - {target}),
        seconds=time.perf_counter() - started,
    )


def _target(archive: Any) -> int:
    poisoned = archive["poisoned"]
    return int(archive["labels"][poisoned][0]) if poisoned.any() else -1


def outcomes(file: Path, *, with_strip: bool) -> Iterable[Outcome]:
    """Yield what every defence says of one set."""
    with np.load(file) as stored:
        archive = {key: stored[key] for key in stored.files}
    model = file.with_suffix(".keras")
    for detector in ("activation-clustering", "spectral-signatures", *(["strip"] if with_strip else [])):
        yield ours(detector, archive, model)
    for name in DEFENCES:
        try:
            yield art(name, archive)
        except ImportError:
            return
        except (ValueError, IndexError) as error:
            # ART's own: PCA to 10 dimensions of a class of fewer samples, or a class of which it suspects no cluster.
            print(f"{file.stem}: {name}: {error}", file=sys.stderr)


def row(defence: str, sets: list[tuple[dict[str, Any], Outcome]]) -> str:
    """Return a defence's line of the table."""
    bad = [(facts, found) for facts, found in sets if facts["is_learnt"]]
    clean = [found for facts, found in sets if not facts["is_poisoned"]]
    scores = [
        np.array([found.statistic for found in group]) for group in (clean, [found for _, found in bad])
    ]
    caught = [(facts, found) for facts, found in bad if found.alarm and found.right_class]
    recall = [(found.suspects & facts["poisoned"]).sum() / facts["poisoned"].sum() for facts, found in caught]
    precision = [
        (found.suspects & facts["poisoned"]).sum() / max(found.suspects.sum(), 1) for facts, found in caught
    ]
    classes = sum(facts["classes"] - facts["is_poisoned"] for facts, _ in sets)
    false_classes = sum(found.false_classes for _, found in sets)
    cells = (
        defence,
        _area(*scores),
        f"{len(caught)}/{len(bad)}",
        f"{sum(found.alarm for found in clean)}/{len(clean)}",
        f"{false_classes}/{classes}",
        _mean(recall),
        _mean(precision),
        f"{np.median([found.seconds for _, found in sets]):.1f} ({len(sets)} sets)",
    )
    return "| " + " | ".join(cells) + " |"


def _area(clean: NDArray[np.float64], bad: NDArray[np.float64]) -> str:
    if not len(clean) or not len(bad):
        return "-"
    low, high = auc_interval(clean, bad)
    return f"{auc(clean, bad):.2f} ({low:.2f}-{high:.2f})"


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.2f}" if values else "-"


def facts_of(file: Path) -> dict[str, Any]:
    """Return what is true of a set."""
    with np.load(file) as stored:
        labels, poisoned = stored["labels"], stored["poisoned"]
        learnt = float((stored["predictions"] == labels)[poisoned].mean()) if poisoned.any() else 0.0
        # Sets that were made before success was measured; none of those is clean-label, where fitting says nothing.
        success = float(stored["success"]) if "success" in stored.files and poisoned.any() else learnt
    share = poisoned.sum() / (labels == labels[poisoned][0]).sum() if poisoned.any() else 0.0
    return {
        "name": file.stem,
        "poisoned": poisoned,
        "is_poisoned": bool(poisoned.any()),
        "is_learnt": bool(poisoned.any()) and success >= _LEARNT,
        "classes": len(np.unique(labels)),
        "truth": f"{100 * share:.0f} % of its class, success {success:.2f}" if poisoned.any() else "clean",
    }


def _detail(facts: dict[str, Any], found: dict[str, Outcome], names: list[str]) -> str:
    """Return a set's line: each defence's statistic, and whether it raised the alarm and named the right class."""
    cells = []
    for name in names:
        outcome = found.get(name)
        mark = (
            "" if outcome is None or not outcome.alarm else " (right)" if outcome.right_class else " (wrong)"
        )
        cells.append("crash" if outcome is None else f"{outcome.statistic:.2f}{mark}")
    return f"| {facts['name']} | {facts['truth']} | {' | '.join(cells)} |"


def print_tables(folder: Path, *, with_strip: bool) -> None:
    """Print the table of a folder, and then what every defence says of each set."""
    tables: dict[str, list[tuple[dict[str, Any], Outcome]]] = {}
    seen = []
    for file in sorted(folder.glob("*.npz")):
        facts = facts_of(file)
        found = {each.defence: each for each in outcomes(file, with_strip=with_strip)}
        for name, outcome in found.items():
            tables.setdefault(name, []).append((facts, outcome))
        seen.append((facts, found))
        print(json.dumps({"set": file.stem, "done": len(seen)}), file=sys.stderr, flush=True)
    print(
        "| defence | AUC of the verdict (95 %) | poisoned sets caught, right class | alarms on clean sets "
        "| clean classes blamed | recall of samples | precision | seconds |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    print(*(row(defence, sets) for defence, sets in tables.items()), sep="\n")
    names = list(tables)
    print(f"\n| training set | poison | {' | '.join(names)} |\n|---|---|{'---:|' * len(names)}")
    print(*(_detail(facts, found, names) for facts, found in seen), sep="\n")


def main(words: Sequence[str]) -> None:
    """Print the tables of each folder that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report training-sets", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="OUT")
    parser.add_argument("--strip", action="store_true", help="ask the networks for STRIP, too; slow")
    arguments = parser.parse_args(words)
    for folder in arguments.folders:
        print(f"\n{folder}\n")
        print_tables(folder, with_strip=arguments.strip)
