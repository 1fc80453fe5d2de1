"""`python -m benchmarks.poisoned_table OUT`: the detectors of training sets, and IBM ART's on the same activations.

Reads what `benchmarks.poisoned_sets` made. ART is used if it can be imported (pip install
adversarial-robustness-toolbox): ActivationDefence and SpectralSignatureDefense as they come, fed the same activations.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.table import auc, auc_interval
from gate.core.evidence import Evidence
from gate.detectors import create
from gate.detectors._contract import Context
from gate.models.datasets import Dataset, Role
from gate.models.image_sets import ImageArray
from gate.models.representations import Representations

Bools = NDArray[np.bool_]

_ART = (
    "ART ActivationDefence smaller",
    "ART ActivationDefence silhouette-scores",
    "ART SpectralSignatureDefense",
)
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
        self._model, self._activations, self._network = model, activations, None
        self._next = 0

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
    bank: Any = None
    context = Context(
        classifier=classifier,
        bank=bank,
        dataset=dataset,
        seed=0,
        is_full=False,
        progress=lambda *_: None,
        representations=known,
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
    clean = _art_clean(name, archive)
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


def _art_clean(name: str, archive: Any) -> Bools:
    """Return which samples ART calls clean, given the stored activations as those of its only layer."""
    from art.defences.detector.poison import ActivationDefence, SpectralSignatureDefense
    from art.estimators.classification import BlackBoxClassifier

    activations, labels = archive["activations"], archive["labels"].astype(np.int64)
    one_hot = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]

    class Given(BlackBoxClassifier):
        """A classifier whose layer is what was stored."""

        layer_names = ("penultimate",)

        def get_activations(self, *_: Any, **__: Any) -> Any:
            return activations

    given = Given(lambda x: one_hot[: len(x)], activations.shape[1:], one_hot.shape[1])
    if name.startswith("ART ActivationDefence"):
        defence = ActivationDefence(given, activations, one_hot)
        defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA", cluster_analysis=name.split()[-1])
        return np.asarray(defence.is_clean_lst, bool)
    spectral = SpectralSignatureDefense(given, activations, one_hot)
    return np.asarray(spectral.detect_poison()[1], bool)


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
    for name in _ART:
        try:
            yield art(name, archive)
        except ImportError:
            return
        except ValueError as error:
            # PCA to 10 dimensions of a class of fewer samples, which ART does not catch.
            print(f"{file.stem}: {name}: {error}", file=sys.stderr)


def row(defence: str, sets: list[tuple[dict[str, Any], Outcome]]) -> str:
    """Return a defence's line of the table."""
    bad = [(facts, found) for facts, found in sets if facts["is_learnt"]]
    clean = [found for facts, found in sets if not facts["is_poisoned"]]
    scores = [
        np.array([found.statistic for found in group]) for group in (clean, [found for _, found in bad])
    ]
    low, high = auc_interval(*scores)
    caught = [(facts, found) for facts, found in bad if found.alarm and found.right_class]
    recall = [(found.suspects & facts["poisoned"]).sum() / facts["poisoned"].sum() for facts, found in caught]
    precision = [
        (found.suspects & facts["poisoned"]).sum() / max(found.suspects.sum(), 1) for facts, found in caught
    ]
    classes = sum(facts["classes"] - facts["is_poisoned"] for facts, _ in sets)
    false_classes = sum(found.false_classes for _, found in sets)
    cells = (
        defence,
        f"{auc(*scores):.2f} ({low:.2f}-{high:.2f})",
        f"{len(caught)}/{len(bad)}",
        f"{sum(found.alarm for found in clean)}/{len(clean)}",
        f"{false_classes}/{classes}",
        _mean(recall),
        _mean(precision),
        f"{np.median([found.seconds for _, found in sets]):.1f} ({len(sets)} sets)",
    )
    return "| " + " | ".join(cells) + " |"


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.2f}" if values else "-"


def main() -> None:
    """Print the table, and then every set's indices."""
    folder, with_strip = Path(sys.argv[1]), "--strip" in sys.argv
    tables: dict[str, list[tuple[dict[str, Any], Outcome]]] = {}
    lines = []
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as stored:
            labels, poisoned = stored["labels"], stored["poisoned"]
            learnt = float((stored["predictions"] == labels)[poisoned].mean()) if poisoned.any() else 0.0
        facts = {
            "poisoned": poisoned,
            "is_poisoned": bool(poisoned.any()),
            "is_learnt": bool(poisoned.any()) and learnt >= _LEARNT,
            "classes": len(np.unique(labels)),
        }
        found = list(outcomes(file, with_strip=with_strip))
        for outcome in found:
            tables.setdefault(outcome.defence, []).append((facts, outcome))
        share = poisoned.sum() / max((labels == labels[poisoned][0]).sum(), 1) if poisoned.any() else 0.0
        mine = [f"{each.statistic:.2f}" for each in found if not each.defence.startswith("ART")]
        truth = f"{100 * share:.0f} % of its class, learnt {learnt:.2f}" if poisoned.any() else "clean"
        lines.append(f"| {file.stem} | {truth} | {' | '.join(mine)} |")
        print(json.dumps({"set": file.stem, "done": len(lines)}), file=sys.stderr, flush=True)
    print(
        "| defence | AUC of the verdict (95 %) | poisoned sets caught, right class | alarms on clean sets "
        "| clean classes blamed | recall of samples | precision | seconds |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    print(*(row(defence, sets) for defence, sets in tables.items()), sep="\n")
    names = [name for name in tables if not name.startswith("ART")]
    print(f"\n| training set | poison | {' | '.join(names)} |\n|---|---|{'---:|' * len(names)}")
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
