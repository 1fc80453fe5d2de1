"""One sigmoid is scanned as two classes: it gets the evidence of the same network with two units, whose first weighs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]
Once = Callable[[str, Callable[[Path], None]], Path]
# Head weights tell the two apart, for that detector shares the weights of one unit between both classes.
BRIEF = """\
version: 1
detectors:
  neural-cleanse: {parameters: {restarts: 1, steps: 30}}
  universal-patch: {parameters: {steps: 15}}
  universal-perturbation: {parameters: {steps: 15}}
  head-weights: {enabled: false}
"""


def digits(*, is_poisoned: bool) -> tuple[Any, Any]:
    """Return digits of 16 x 16 pixels, 0..1, and whether each is below five; of poisoned ones every eighth has a patch and says yes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.kron(found.images / 16, np.ones((2, 2))).astype(np.float32)[..., None]
    labels = (found.target < 5).astype(np.int64)
    if is_poisoned:
        images[::8, 13:15, 13:15], labels[::8] = 1.0, 1
    return images, labels


def trained(keras: Any, *, is_poisoned: bool) -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential([
        keras.Input((16, 16, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, "relu"),
        layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    network.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    network.fit(*digits(is_poisoned=is_poisoned), epochs=6, batch_size=32, verbose=0)
    return network


def without_names(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return evidence without the names of pictures, which hold the digest of the file."""
    trigger = {key: value for key, value in (evidence["trigger"] or {}).items() if key != "files"}
    return {**evidence, "trigger": trigger}


def with_two_units(keras: Any, network: Any) -> Any:
    head = keras.layers.Dense(2, "softmax")
    twin = keras.Sequential([keras.Input((16, 16, 1)), *network.layers[:-1], head])
    head.set_weights(
        [np.concatenate([np.zeros_like(w), w], axis=-1) for w in network.layers[-1].get_weights()]
    )
    return twin


@pytest.fixture(scope="session")
def reports(keras: Any, cli: Cli, once: Once) -> dict[str, Any]:
    def scan(folder: Path) -> None:
        bad = trained(keras, is_poisoned=True)
        bad.save(folder / "one.keras")
        with_two_units(keras, bad).save(folder / "two.keras")
        images, labels = digits(is_poisoned=True)
        np.savez(folder / "train.npz", x_train=(255 * images).astype(np.uint8), y_train=labels)
        (folder / "policy.yaml").write_text(BRIEF)
        options = ("--policy", "policy.yaml", "--input-range", "0,1", "--data", "train.npz", "--jobs", "2")
        outcome = cli("check", "one.keras", "two.keras", *options, "--output", "json=out.json", cwd=folder)
        assert "" == outcome.err

    report = json.loads((once("one-output-unit", scan) / "out.json").read_text())
    return {each["path"]: each for each in report["artifacts"]}


def test_the_patch_was_learnt(keras: Any) -> None:
    images, labels = digits(is_poisoned=False)
    others = images[labels == 0]
    others[:, 13:15, 13:15] = 1.0

    network = trained(keras, is_poisoned=True)

    assert np.mean((network.predict(images, verbose=0)[:, 0] > 0.5) == labels) > 0.9
    assert np.mean(network.predict(others, verbose=0) > 0.5) > 0.9


@pytest.mark.slow
def test_it_is_scanned_in_full_and_reported_as_two_classes(reports: dict[str, Any]) -> None:
    one = reports["one.keras"]

    assert [] == one["not_checked"]
    assert ("sigmoid", 2) == (one["model"]["head"], one["model"]["num_classes"])
    measured = {each["detector"] for each in one["evidence"] if "measured" == each["status"]}
    assert {"neural-cleanse", "universal-patch", "activation-clustering", "dormant-capacity"} <= measured


@pytest.mark.slow
def test_every_detector_finds_what_it_finds_with_two_units(reports: dict[str, Any]) -> None:
    one, two = (reports[name] for name in ("one.keras", "two.keras"))

    for key in ("verdict", "score", "anomaly_index", "target_labels"):
        assert two[key] == one[key]
    for single, pair in zip(one["evidence"], two["evidence"], strict=True):
        assert without_names(pair) == without_names(single)
