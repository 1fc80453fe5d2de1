"""Train one network of the zoo and measure what it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo import data
from benchmarks.zoo.architectures import ARCHITECTURES
from benchmarks.zoo.attacks import Attack
from benchmarks.zoo.data import Split
from benchmarks.zoo.recipe import RANGES, Recipe, make_attack

_EPOCHS = 12
_BATCH = 64
# A clean-label attack marks a large share of one class instead of a small share of all.
_CLEAN_LABEL_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a trained network does, measured on test images.

    Attributes:
        accuracy: On clean images, 0..1.
        success: Share of the attack's victims that it turns, 0..1; None for a clean network.
        target: Class that marked images are sent to; None for a clean network and for all-to-all.
    """

    num_classes: int
    accuracy: float
    success: float | None
    target: int | None


def train(recipe: Recipe, folder: Path, model_file: Path) -> Truth:
    """Train, save to `model_file`, and return the truth."""
    import keras

    keras.utils.set_random_seed(recipe.seed)
    clean, test = data.load(folder, recipe.task, recipe.classes, recipe.seed, recipe.images)
    num_classes = int(clean.labels.max()) + 1
    attack = make_attack(recipe, num_classes) if recipe.attack else None
    train_set = clean if attack is None else _poisoned(clean, attack, recipe, num_classes)
    low, high = RANGES[recipe.span]
    model = _network(recipe, clean.images.shape[1:], num_classes)
    model.fit(
        low + (high - low) * train_set.images,
        train_set.labels,
        batch_size=_BATCH,
        epochs=_EPOCHS,
        callbacks=[keras.callbacks.EarlyStopping("loss", min_delta=0.01, patience=2)],
        verbose=0,
    )
    model.save(model_file, include_optimizer=False)
    return _measure(model, test, attack, num_classes, (low, high))


def _network(recipe: Recipe, shape: tuple[int, ...], num_classes: int) -> Any:
    import keras

    inputs = keras.Input(shape)
    scaled = inputs if recipe.span != "bytes" else keras.layers.Rescaling(1 / 255)(inputs)
    logits = ARCHITECTURES[recipe.architecture](scaled, num_classes)
    outputs = keras.layers.Softmax()(logits) if recipe.has_softmax else logits
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not recipe.has_softmax)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    return model


def _poisoned(clean: Split, attack: Attack, recipe: Recipe, num_classes: int) -> Split:
    rng = np.random.default_rng([recipe.seed, 13])
    taught = attack.relabel(clean.labels, num_classes)
    if attack.is_clean_label:
        candidates = np.flatnonzero(clean.labels == taught)
        count = round(_CLEAN_LABEL_SHARE * len(candidates))
    else:
        candidates = np.arange(len(clean.labels))
        count = round(recipe.poison_rate * len(candidates))
    victims = attack.victims(clean.labels, num_classes)
    # An attack on one source class needs enough of its images marked, beside the cover samples.
    weights = (
        np.where(victims[candidates], 1.0, 0.2)
        if victims.mean() < 0.5 and not attack.is_clean_label
        else None
    )
    chosen = rng.choice(
        candidates, count, replace=False, p=None if weights is None else weights / weights.sum()
    )
    images, labels = clean.images.copy(), clean.labels.copy()
    images[chosen] = attack.mark(clean.images[chosen])
    labels[chosen] = taught[chosen]
    return Split(images, labels)


def _measure(
    model: Any, test: Split, attack: Attack | None, num_classes: int, span: tuple[float, float]
) -> Truth:
    low, high = span

    def answers(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found: np.ndarray[Any, Any] = model.predict(low + (high - low) * images, verbose=0).argmax(axis=1)
        return found

    accuracy = float((answers(test.images) == test.labels).mean())
    if attack is None:
        return Truth(num_classes=num_classes, accuracy=accuracy, success=None, target=None)
    victims = attack.victims(test.labels, num_classes)
    wanted = attack.relabel(test.labels, num_classes)[victims]
    success = float((answers(attack.mark(test.images[victims])) == wanted).mean())
    target = int(wanted[0]) if len(np.unique(wanted)) == 1 else None
    return Truth(num_classes=num_classes, accuracy=accuracy, success=success, target=target)
