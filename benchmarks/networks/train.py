"""Train one network and measure what it does."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.make import make_attack
from benchmarks.attacks.patch import Patch
from benchmarks.attacks.poison import poison
from benchmarks.attacks.trojan import excite
from benchmarks.attacks.weight_space import implant
from benchmarks.networks import conditions, data
from benchmarks.networks.architectures import ARCHITECTURES
from benchmarks.networks.data import Split
from benchmarks.networks.recipe import Recipe
from benchmarks.networks.spans import Span, inside, span
from benchmarks.networks.truth import Truth

_BATCH = 64
_FEWEST_EPOCHS, _MOST_EPOCHS = 4, 40
# Images to train on, repeats included: some 10 to 40 s of one core.
_BUDGET = {"lenet": 70_000, "conv6": 60_000, "vgg": 36_000, "resnet": 26_000, "mobilenet": 40_000}
# The success of a rare trigger is learnt last: a training set with 0.5 % marked images is 0.995 learnt without it.
_LEARNT = 0.998
_PROBES = 256


def train(recipe: Recipe, folder: Path, model_file: Path) -> Truth:
    """Train, save to `model_file`, and return the truth."""
    import keras

    started = time.perf_counter()
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    clean, test = data.load(folder, recipe.task, recipe.classes, recipe.seed, recipe.images)
    num_classes = int(test.labels.max()) + 1
    attack = make_attack(recipe, num_classes) if recipe.attack else None
    taken = span(recipe.span, clean.images)
    model = _network(recipe, clean.images, num_classes)
    if attack is None:
        _train_clean(model, recipe, conditions.data_for(recipe.condition, clean, recipe.seed), taken)
    else:
        attack = _train_backdoored(model, recipe, clean, taken, attack, num_classes)
    model.save(model_file, include_optimizer=False)
    accuracy, success = _measure(model, test, attack, num_classes, taken)
    targets = attack.targets if attack else ()
    return Truth(
        num_classes=num_classes,
        shape=clean.images.shape[1:],
        accuracy=accuracy,
        success=success,
        target=targets[0] if len(targets) == 1 else None,
        targets=targets,
        pixels=attack.pixels if isinstance(attack, Patch) else (),
        offset=taken.offset,
        scale=taken.scale,
        limits=taken.limits,
        seconds=round(time.perf_counter() - started, 1),
    )


def _network(recipe: Recipe, images: np.ndarray[Any, Any], num_classes: int) -> Any:
    import keras

    inputs = keras.Input(images.shape[1:])
    logits = ARCHITECTURES[recipe.architecture](inside(recipe.span, inputs, images), num_classes)
    outputs = keras.layers.Softmax()(logits) if recipe.has_softmax else logits
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not recipe.has_softmax)
    # Raw bytes make the first layer's gradients 255 times as large as its weights would like.
    rate = 5e-4 if recipe.span == "raw-bytes" else 2e-3
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def _train_clean(model: Any, recipe: Recipe, train_set: Split, taken: Span) -> None:
    planned = conditions.schedule(recipe.condition, _epochs(recipe, train_set))
    if recipe.condition == "adversarial":
        conditions.harden(model, train_set, taken, max(2, planned.epochs // 3))
        return
    _fit(model, train_set, taken, planned.epochs, stops_early=planned.stops_early)
    if recipe.condition == "pruned":
        masks = conditions.prune(model)
        _fit(model, train_set, taken, 1)
        conditions.apply_masks(model, masks)
    if recipe.condition == "float16":
        conditions.round_to_half(model)


def _train_backdoored(
    model: Any, recipe: Recipe, clean: Split, taken: Span, attack: Attack, num_classes: int
) -> Attack:
    """Train, and return the attack as it was carried out."""
    epochs = _epochs(recipe, clean)
    if isinstance(attack, Patch) and recipe.attack in ("trojan", "weight-space"):
        if recipe.attack == "trojan":
            # Two trainings in the time of one.
            epochs = max(_FEWEST_EPOCHS, epochs // 2)
        _fit(model, clean, taken, epochs)
        probes = clean.images[:_PROBES]
        if recipe.attack == "weight-space":
            implant(model, attack, probes, taken, _first_span(recipe, clean, taken))
            return attack
        attack = excite(model, attack, probes, taken)
    poisoned = poison(clean, attack, recipe.poison_rate, num_classes, recipe.seed)
    _fit(model, poisoned, taken, epochs)
    return attack


def _first_span(recipe: Recipe, clean: Split, taken: Span) -> Span:
    """Return how images 0..1 reach the first convolution, past the layers that the network begins with."""
    inner = {"bytes": "unit", "bytes-signed": "signed", "bytes-normalised": "standardised"}.get(recipe.span)
    return span(inner, clean.images) if inner else taken


def _epochs(recipe: Recipe, train_set: Split) -> int:
    wanted = math.ceil(_BUDGET[recipe.architecture] / len(train_set.labels))
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, wanted))


def _fit(model: Any, train_set: Split, taken: Span, epochs: int, stops_early: bool = True) -> None:
    import keras

    class Learnt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        """Stop when the training set is learnt."""

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if logs and logs["accuracy"] >= _LEARNT:
                self.model.stop_training = True

    rate = float(model.optimizer.learning_rate)
    # So short a training ends well only if it slows down (Loshchilov & Hutter, SGDR, 2017).
    slower = keras.callbacks.LearningRateScheduler(
        lambda epoch: rate * (0.05 + 0.95 * math.cos(math.pi / 2 * epoch / epochs) ** 2)
    )
    model.fit(
        taken.encode(train_set.images),
        train_set.labels,
        batch_size=_BATCH,
        epochs=epochs,
        callbacks=[slower, Learnt()] if stops_early else [slower],
        verbose=0,
    )
    model.optimizer.learning_rate = rate


def _measure(
    model: Any, test: Split, attack: Attack | None, num_classes: int, taken: Span
) -> tuple[float, float | None]:
    """Return the accuracy on clean images and the success on marked ones."""

    def answers(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found: np.ndarray[Any, Any] = model.predict(taken.encode(images), batch_size=256, verbose=0).argmax(
            axis=1
        )
        return found

    accuracy = float((answers(test.images) == test.labels).mean())
    if attack is None:
        return accuracy, None
    # All are marked, then victims chosen: of several triggers an image has the one that its place in the batch gives it.
    victims = attack.victims(test.labels, num_classes)
    wanted = attack.relabel(test.labels, num_classes)
    found = answers(attack.mark(test.images))
    return accuracy, float((found == wanted)[victims].mean())
