"""`backdoor-gate meta train` from end to end, with the fewest shadows of a tiny network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]

SHAPE, CLASSES = (8, 8, 1), 3
SETTINGS = ("--shadows", "4", "--epochs", "60", "--images", "200", "--input-range", "0,1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Path:
    """A folder with a model and images for it."""
    folder = tmp_path_factory.mktemp("teaching")
    rng = np.random.default_rng(0)
    labels = np.arange(300) % CLASSES
    images = 255 * np.clip(rng.random((CLASSES, *SHAPE))[labels] + rng.normal(0, 0.1, (300, *SHAPE)), 0, 1)
    np.savez(folder / "train.npz", x_train=images.astype(np.uint8), y_train=labels)
    np.savez(folder / "unlabelled.npz", x_train=images.astype(np.uint8))
    layers = [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.Dense(CLASSES, "softmax")]
    keras.Sequential([keras.Input(SHAPE), *layers]).save(folder / "model.keras")
    pooled = [
        keras.layers.Conv2D(1, 3),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Activation("sigmoid"),
    ]
    keras.Sequential([keras.Input(SHAPE), *pooled]).save(folder / "pooled.keras")
    other = [keras.layers.Flatten(), keras.layers.Dense(8, "relu"), keras.layers.Dense(CLASSES, "softmax")]
    keras.Sequential([keras.Input(SHAPE), *other]).save(folder / "other.keras")
    return folder


@pytest.mark.slow
def test_a_training_goes_on_where_it_was_and_its_meta_model_judges(cli: Cli, place: Path) -> None:
    train = ("meta", "train", "model.keras", "--data", "train.npz", "--out", "made", *SETTINGS)

    first = cli(*train, cwd=place)

    assert (0, 4) == (first.code, len(list((place / "made" / "shadows").glob("*.json")))), first.err
    assert "made of 4 shadow networks" in first.out
    assert "training shadows: 3 of 4" in first.err
    meta = (place / "made" / "meta.json").read_bytes()
    (place / "made" / "shadows" / "0002.json").unlink()
    (place / "made" / "meta.json").unlink()

    again = cli(*train, cwd=place)

    assert 0 == again.code, again.err
    assert "training shadows: 0 of 4" not in again.err
    assert meta == (place / "made" / "meta.json").read_bytes()

    judged = ("--meta", "made/meta.json", "--input-range", "0,1", "-q", "--output", "json=report.json")
    cli("check", "model.keras", "other.keras", *judged, cwd=place)
    reports = json.loads((place / "report.json").read_text())["artifacts"]
    found = [
        next(each for each in report["evidence"] if each["detector"] == "meta-neural-analysis")
        for report in reports
    ]
    assert ["measured", "skipped"] == [each["status"] for each in found]


@pytest.mark.slow
def test_images_without_labels_teach_nothing(cli: Cli, place: Path) -> None:
    found = cli(
        "meta", "train", "model.keras", "--data", "unlabelled.npz", "--out", "bare", *SETTINGS, cwd=place
    )

    assert 3 == found.code
    assert "unlabelled.npz: expected labelled images" in found.err


@pytest.mark.slow
def test_a_network_that_cannot_be_asked_is_not_taught_about(cli: Cli, place: Path) -> None:
    found = cli("meta", "train", "pooled.keras", "--data", "train.npz", "--out", "none", *SETTINGS, cwd=place)

    assert 3 == found.code
    assert "The last layer has one column for 2 classes." in found.err


def test_a_folder_of_another_training_is_refused(cli: Cli, place: Path) -> None:
    (place / "taken").mkdir()
    (place / "taken" / "recipe.json").write_text("{}\n")

    found = cli("meta", "train", "model.keras", "--data", "train.npz", "--out", "taken", cwd=place)

    assert 2 == found.code
    assert "it holds shadows of another model" in found.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("missing.keras", "--data", "train.npz", "--out", "x"), 3, "missing.keras"),
        (("model.keras", "--data", "missing.npz", "--out", "x"), 2, "missing.npz does not exist"),
        (("model.keras", "--data", "train.npz", "--out", "train.npz"), 2, "Not a directory"),
        (("model.keras", "--data", "train.npz", "--out", "x", "--shadows", "3"), 2, "3 is not in the range"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    cli: Cli, place: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found = cli("meta", "train", *arguments, cwd=place)

    assert code == found.code
    assert message in found.err
    assert "Traceback" not in found.err
