"""What a folder of shadows holds already is not trained again, and is not mixed with anything else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.codec import to_plain
from gate.core.errors import UsageError
from gate.core.job import DataCall, Role
from gate.core.meta_training import Shadow
from gate.pipeline.teaching import Lesson, _keep, _resumed

MODEL = Artifact(path="m.keras", sha256="ab" * 32, size=1, format=ModelFormat.KERAS_ZIP)


def shadow(number: int) -> Shadow:
    return Shadow(number=number, accuracy=0.5, success=float(number % 2), names=("a",), features=(1.5,))


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    """A lesson of which two shadows are done."""
    (tmp_path / "train.npz").write_bytes(b"images")
    made = Lesson(
        model="m.keras",
        data=DataCall(path="train.npz", role=Role.TRAIN),
        out=tmp_path / "made",
        shadows=4,
        epochs=3,
        images=16,
        seed=0,
        input_range=(0.0, 1.0),
        root=tmp_path,
        environ={},
    )
    assert () == _resumed(made, MODEL)
    for number in (1, 3):
        _keep(shadow(number), made.out)
    return made


@pytest.mark.parametrize("shadows", [4, 64])
def test_what_is_done_is_known_however_many_are_wanted(lesson: Lesson, shadows: int) -> None:
    assert (shadow(1), shadow(3)) == _resumed(dataclasses.replace(lesson, shadows=shadows), MODEL)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 4}, {"images": 17}, {"input_range": None}])
def test_shadows_of_another_setting_are_refused(lesson: Lesson, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="shadows of another model, data set or setting"):
        _resumed(dataclasses.replace(lesson, **change), MODEL)


def test_shadows_of_another_model_or_of_other_images_are_refused(lesson: Lesson) -> None:
    with pytest.raises(UsageError, match="another model"):
        _resumed(lesson, dataclasses.replace(MODEL, sha256="cd" * 32))
    (lesson.root / "train.npz").write_bytes(b"others")
    with pytest.raises(UsageError, match="data set"):
        _resumed(lesson, MODEL)


@pytest.mark.parametrize("content", ["{", "{}", json.dumps(to_plain(shadow(1)) | {"number": "1"})])
def test_a_damaged_shadow_is_refused(lesson: Lesson, content: str) -> None:
    (lesson.out / "shadows" / "0001.json").write_text(content)

    with pytest.raises(UsageError, match="a file of it is damaged") as caught:
        _resumed(lesson, MODEL)

    assert "Remove the folder" in caught.value.hint
