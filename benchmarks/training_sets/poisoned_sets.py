"""Poisoned and clean training sets, each with the small network that was trained on it: made once, kept in a folder.

Makes those that are missing; for each it writes
OUT/<name>.keras and OUT/<name>.npz (images, labels, poisoned, activations, predictions, success of the trigger on test images).
`python -m benchmarks report training-sets OUT` makes the table from them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.patch import Patch
from benchmarks.attacks.pattern import Blended, Sinusoid
from benchmarks.attacks.warp import Warp
from benchmarks.networks import data
from benchmarks.networks.architectures import ARCHITECTURES
from benchmarks.networks.data import Split

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_EPOCHS, _BATCH = 16, 64
# Data set, classes (0 = all), images, architecture.
_TASKS = (("mnist", 0, 5000, "lenet"), ("gtsrb", 0, 5228, "lenet"), ("cifar10", 0, 6000, "lenet"))
# A clean-label attack can mark no more than this share of its class.
_LARGEST_SHARE = 0.8
_ATTACKS = (
    ("patch", 0.05),
    ("blended", 0.05),
    ("patch", 0.01),
    ("warp", 0.1),
    ("sinusoid", 0.05),
    ("clean-label", 0.05),
    ("patch", 0.1),
    ("patch", 0.02),
    ("blended", 0.01),
    ("patch", 0.005),
    ("warp", 0.05),
    ("blended", 0.1),
)
_CLEAN = ("", "imbalanced", "merged", "classes", "again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One training set and its network.

    Attributes:
        task: Name of the npz file.
        classes: How many classes to keep; 0 for all.
        images: Training images before poisoning.
        architecture: A name of `benchmarks.networks.architectures`.
        attack: "" for a clean set.
        rate: Marked images as a share of the set.
        variation: Of a clean set: "imbalanced" (classes of 1 : 10), "merged" (two classes under one label), "classes"
            (a random half of the classes), "again" (another seed).
        seed: Of every random choice.
    """

    task: str
    classes: int
    images: int
    architecture: str
    attack: str = ""
    rate: float = 0.0
    variation: str = ""
    seed: int = 0

    @property
    def name(self) -> str:
        """The name of its files."""
        kind = f"{self.attack}-{100 * self.rate:g}" if self.attack else f"clean-{self.variation or 'plain'}"
        return f"{self.task}-{self.architecture}-{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanLabelPatch(Patch):
    """A patch on images of the target class only, labels untouched.

    Paper: Turner et al., Label-Consistent Backdoor Attacks, 2019, without its adversarial perturbation.
    """

    is_clean_label = True


def cases() -> Iterator[Case]:
    """Yield all cases, so that the first ones already are of every kind."""
    for number, (attack, rate) in enumerate(_ATTACKS):
        for offset, task in enumerate(_TASKS):
            known = dict(zip(("task", "classes", "images", "architecture"), task, strict=True))
            if number < len(_CLEAN):
                yield Case(**known, variation=_CLEAN[number], seed=100 + 10 * number + offset)  # type: ignore[arg-type]
            yield Case(**known, attack=attack, rate=rate, seed=10 * number + offset)  # type: ignore[arg-type]


def make_attack(case: Case, num_classes: int) -> Attack:
    """Return the case's attack with its target, size and place drawn by its seed."""
    rng = np.random.default_rng([case.seed, 9])
    target = int(rng.integers(num_classes))
    patch: dict[str, Any] = {
        "target": target,
        "size": int(rng.integers(3, 5)),
        "corner": int(rng.integers(4)),
        "seed": case.seed,
    }
    kinds: dict[str, Attack] = {
        "patch": Patch(**patch),
        "clean-label": CleanLabelPatch(**patch),
        "blended": Blended(target=target, seed=case.seed),
        "sinusoid": Sinusoid(target=target),
        "warp": Warp(target=target, seed=case.seed),
    }
    return kinds[case.attack]


def training_set(case: Case, folder: Path) -> tuple[Split, NDArray[np.bool_]]:
    """Return the set as the network sees it, and which of its images are poisoned."""
    rng = np.random.default_rng([case.seed, 13])
    if case.variation == "classes":
        known = len(np.unique(np.load(folder / f"{case.task}.npz")["y_train"]))
        clean, _ = data.load(folder, case.task, known // 2, case.seed, case.images)
    else:
        clean, _ = data.load(folder, case.task, case.classes, case.seed, case.images)
    clean = _varied(clean, case.variation, rng)
    if not case.attack:
        return clean, np.zeros(len(clean.labels), bool)
    return _poisoned(clean, case, rng)


def _varied(clean: Split, variation: str, rng: np.random.Generator) -> Split:
    count = int(clean.labels.max()) + 1
    if variation == "merged":
        return Split(clean.images, rng.permutation(count)[clean.labels] // 2)
    if variation == "imbalanced":
        keep = (
            rng.random(len(clean.labels))
            < np.geomspace(1.0, 0.1, count)[rng.permutation(count)][clean.labels]
        )
        return Split(clean.images[keep], clean.labels[keep])
    return clean


def _poisoned(clean: Split, case: Case, rng: np.random.Generator) -> tuple[Split, NDArray[np.bool_]]:
    count = int(clean.labels.max()) + 1
    attack = make_attack(case, count)
    taught = attack.relabel(clean.labels, count)
    wanted = round(case.rate * len(clean.labels))
    if attack.is_clean_label:
        candidates = np.flatnonzero(clean.labels == taught)
        wanted = min(wanted, int(_LARGEST_SHARE * len(candidates)))
    else:
        candidates = np.flatnonzero(attack.victims(clean.labels, count))
    chosen = rng.choice(candidates, wanted, replace=False)
    images, labels = clean.images.copy(), clean.labels.copy()
    images[chosen] = attack.mark(clean.images[chosen])
    labels[chosen] = taught[chosen]
    return Split(images, labels), np.isin(np.arange(len(labels)), chosen)


def make(case: Case, folder: Path, out: Path) -> None:
    """Train the case's network and write both files."""
    import keras

    from gate.models.classifier import Classifier

    started = time.perf_counter()
    keras.utils.set_random_seed(case.seed)
    split, poisoned = training_set(case, folder)
    pixels = np.rint(255 * split.images).astype(np.uint8)
    inputs = keras.Input(pixels.shape[1:])
    outputs = keras.layers.Softmax()(ARCHITECTURES[case.architecture](inputs, int(split.labels.max()) + 1))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    images = pixels.astype(np.float32) / np.float32(255)
    model.fit(images, split.labels, batch_size=_BATCH, epochs=_EPOCHS, verbose=0)
    classifier = Classifier(model)
    predictions = classifier.predict(images).argmax(axis=1)
    success = _success(case, folder, classifier) if case.attack else float("nan")
    model.save(out / f"{case.name}.keras", include_optimizer=False)
    np.savez(
        out / f"{case.name}.part.npz",
        images=pixels,
        labels=split.labels,
        poisoned=poisoned,
        activations=classifier.activations(images),
        predictions=predictions,
        success=success,
    )
    (out / f"{case.name}.part.npz").replace(out / f"{case.name}.npz")
    accuracy = (predictions == split.labels)[~poisoned].mean()
    seconds = time.perf_counter() - started
    print(f"{case.name}: fits {accuracy:.3f} clean, success {success:.3f}, {seconds:.1f} s", flush=True)


def _success(case: Case, folder: Path, classifier: Classifier) -> float:
    """Return how many test images of other classes the trigger sends to the target.

    That poison fits its labels says nothing of a clean-label attack.
    """
    _, test = data.load(folder, case.task, case.classes, case.seed, case.images)
    count = int(test.labels.max()) + 1
    attack = make_attack(case, count)
    victims = attack.victims(test.labels, count)
    wanted = attack.relabel(test.labels, count)[victims]
    found = classifier.predict(attack.mark(test.images[victims])).argmax(axis=1)
    return float((found == wanted).mean())


def main(words: Sequence[str]) -> None:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training-sets", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=1000)
    arguments = parser.parse_args(words)
    arguments.out.mkdir(parents=True, exist_ok=True)
    missing = [case for case in cases() if not (arguments.out / f"{case.name}.npz").exists()]
    for case in missing[: arguments.most]:
        make(case, arguments.data, arguments.out)
