"""Whatever is wrong with a data set, its model is not cleared, and the message names the file and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]

CLASSES, EACH, SHAPE = 3, 70, (8, 8, 3)
LABELS = np.arange(CLASSES * EACH) % CLASSES
IMAGES = np.random.default_rng(0).integers(0, 256, (len(LABELS), *SHAPE), np.uint8)
TEN = slice(0, 10)

SETS: dict[str, tuple[Any, Any]] = {
    "one-based.npz": (IMAGES, LABELS + 1),
    "larger.npz": (np.zeros((len(LABELS), 9, 9, 3), np.uint8), LABELS),
    "grey.npz": (IMAGES[..., 0], LABELS),
    "nan.npz": (np.where(IMAGES == 7, np.nan, IMAGES / 255).astype(np.float32), LABELS),
    "range.npz": (IMAGES.astype(np.float32), LABELS),
    "a-class-missing.npz": (IMAGES[LABELS != 1], LABELS[LABELS != 1]),
    "ten.npz": (IMAGES[TEN], LABELS[TEN]),
    "ten-unlabelled.npz": (IMAGES[TEN], None),
    "too-few-labels.npz": (IMAGES, LABELS[:-1]),
    "words.npz": (IMAGES, LABELS.astype(str)),
    "mixed-up.npz": (IMAGES, np.random.default_rng(1).permutation(LABELS)),
}
WHAT_TO_DO = {
    "one-based.npz": "expected labels 0..2, received 1..3. They count from 1; save y - 1.",
    "larger.npz": "expected n x 8 x 8 x 3, received 210 x 9 x 9 x 3",
    "grey.npz": "expected n x 8 x 8 x 3, received 210 x 8 x 8",
    "nan.npz": "some pixels are NaN or infinite, first in image",
    "range.npz": "expected pixels in 0..1, received 0..255. Store 8-bit images (uint8), or state the model's range",
    "a-class-missing.npz": "received none of class 1. Give the whole training set",
    "ten.npz": "expected two classes of 64 images or more, to compare them, received 10 images in all. Give the whole",
    "ten-unlabelled.npz": "received 10 images in all. Give the whole training set",
    "too-few-labels.npz": "expected 210 whole-number labels, received int64 of shape (209,). One label for each image",
    "words.npz": "whole-number labels, received <U",
    "mixed-up.npz": "no more than chance",
    "empty": "no pictures in it or in its sub-folders. Give a folder",
    "no-archive.npz": "expected an .npz file",
    "missing.npz": "no such file or folder of images. Give a folder",
}


def write_model(keras: Any, file: Path) -> None:
    layers = [keras.layers.Flatten(), keras.layers.Dense(CLASSES, "softmax")]
    keras.Sequential([keras.Input(SHAPE), *layers]).save(file)


@pytest.fixture(scope="module")
def gaps(cli: Cli, keras: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what is said of the model of each data set, after one run over all of them."""
    folder = tmp_path_factory.mktemp("wrong-data")
    for name, (images, labels) in SETS.items():
        np.savez(folder / name, x_train=images, **({} if labels is None else {"y_train": labels}))
    (folder / "empty").mkdir()
    (folder / "no-archive.npz").write_text("images")
    paths = []
    for number, name in enumerate(WHAT_TO_DO):
        write_model(keras, folder / f"{number:02d}.keras")
        paths.append({"match": f"{number:02d}.keras", "data": {"path": name, "role": "train"}})
    policy = {"version": 1, "input_range": [0, 1], "paths": paths}
    (folder / "policy.yaml").write_text(json.dumps(policy))

    outcome = cli("check", ".", "--policy", "policy.yaml", "-q", "--output", "json=report.json", cwd=folder)

    assert 3 == outcome.code, outcome.err
    reports = json.loads((folder / "report.json").read_text())["artifacts"]
    assert {"incomplete"} == {report["verdict"] for report in reports}
    return {name: " ".join(report["not_checked"]) for name, report in zip(WHAT_TO_DO, reports, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", WHAT_TO_DO)
def test_the_message_names_the_file_and_what_to_do(gaps: dict[str, str], name: str) -> None:
    assert name in gaps[name]
    assert WHAT_TO_DO[name] in gaps[name]


def test_a_role_that_there_is_not_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\ndata: {path: train.npz, role: test}\n")

    stated = cli("check", ".", "--data", ".", "--data-role", "test", cwd=tmp_path)
    written = cli("check", ".", "--policy", "policy.yaml", cwd=tmp_path)

    assert (2, 2) == (stated.code, written.code)
    assert "'test' is not one of 'train', 'clean'" in stated.err
    assert "policy.yaml:2" in written.err
