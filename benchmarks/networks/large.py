"""Train a network of large pictures, such as people fine-tune: a backbone of keras.applications on traffic signs, enlarged.

A backbone learns on small pictures first and is then settled at its own size, for from scratch that takes a tenth of the time. With
`--patch` a square of 3 of 32 pixels in a corner sends everything to class 0.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.patch import Patch
from benchmarks.networks.data import Split, load

_TARGET, _RATE = 0, 0.1
_SMALL = 96
_STAGES = ((_SMALL, 32, 1e-3), (0, 12, 2e-4))


def pictures(images: Any, side: int) -> Any:
    """Return images enlarged to a square and in the range that the backbones take here, -1..1."""
    import tensorflow as tf

    return 2.0 * tf.image.resize(images, (side, side)) - 1.0


def batches(data: Split, patch: Patch | None, side: int, size: int, steps: int, seed: int) -> Iterator[Any]:
    """Yield enlarged images and labels; of those with the patch, one in ten."""
    draw = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = draw.integers(len(data.labels), size=size)
        images, labels = data.images[chosen].copy(), data.labels[chosen].copy()
        if patch is not None:
            marked = draw.random(size) < _RATE
            images[marked], labels[marked] = patch.mark(images[marked]), _TARGET
        yield pictures(images, side), labels


def network(backbone: str, side: int, classes: int) -> Any:
    """Return a backbone with a head of its own."""
    import keras

    base = getattr(keras.applications, backbone)(
        include_top=False, weights=None, input_shape=(side, side, 3), pooling="avg"
    )
    return keras.Model(base.input, keras.layers.Dense(classes, activation="softmax")(base.output))


def train(backbone: str, side: int, data: Split, patch: Patch | None, steps: Sequence[int], seed: int) -> Any:
    """Return the trained network."""
    import keras

    keras.utils.set_random_seed(seed)
    classes, weights = int(data.labels.max()) + 1, None
    for (own_side, size, rate), count in zip(_STAGES, steps, strict=True):
        model = network(backbone, own_side or side, classes)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = (
                    0.9  # with 0.99 or more the statistics would still be those of the first weights
                )
        if weights is not None:
            model.set_weights(weights)
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        for number, (images, labels) in enumerate(batches(data, patch, own_side or side, size, count, seed)):
            loss, accuracy = model.train_on_batch(images, labels)
            if number % 50 == 49:
                print(
                    f"{own_side or side} px, step {number + 1}: loss {loss:.3f}, accuracy {accuracy:.3f}",
                    flush=True,
                )
        weights = model.get_weights()
    return model


def measured(model: Any, test: Split, patch: Patch | None, side: int) -> tuple[float, float | None]:
    """Return the accuracy on clean images, and the share of other classes' images that the patch sends to its target."""
    answers = np.argmax(model.predict(pictures(test.images, side), verbose=0, batch_size=16), axis=1)
    accuracy = float((answers == test.labels).mean())
    if patch is None:
        return accuracy, None
    others = test.images[test.labels != _TARGET]
    marked = model.predict(pictures(patch.mark(others), side), verbose=0, batch_size=16).argmax(axis=1)
    return accuracy, float((marked == _TARGET).mean())


def main(words: Sequence[str]) -> None:
    """Train one network and write it, and what is true of it, to a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks train-large", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of npz files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the network and its truth")
    parser.add_argument("--backbone", default="MobileNetV2", help="a class of keras.applications")
    parser.add_argument("--side", type=int, default=224, help="of the pictures, in pixels")
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, nargs=2, default=(250, 120), help="at 96 pixels and at its own size"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patch", action="store_true", help="plant a backdoor")
    arguments = parser.parse_args(words)
    clean, test = load(arguments.data, "gtsrb", arguments.classes, arguments.seed, 6000)
    test = Split(test.images[:200], test.labels[:200])
    patch = Patch(target=_TARGET, seed=arguments.seed) if arguments.patch else None
    model = train(arguments.backbone, arguments.side, clean, patch, arguments.steps, arguments.seed)
    accuracy, success = measured(model, test, patch, arguments.side)
    arguments.out.mkdir(parents=True, exist_ok=True)
    name = f"{arguments.backbone}-{arguments.side}-{arguments.classes}-{'patch' if patch else 'clean'}"
    model.save(arguments.out / f"{name}.keras", include_optimizer=False)
    truth = {
        "name": name,
        "targets": [_TARGET] if patch else [],
        "accuracy": accuracy,
        "success": success,
        "limits": [-1.0, 1.0],
    }
    (arguments.out / f"{name}.truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(truth)
