from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gate.core.job import Role
from gate.detectors.training_set import suspects as listing
from gate.detectors.training_set.suspects import suspects
from gate.models.datasets.batches import ImageArray
from gate.models.datasets.dataset import Dataset

LABELS = np.arange(60) % 3


def dataset(count: int, shape: tuple[int, int, int] = (8, 8, 1)) -> Dataset:
    images = np.zeros((count, *shape), np.float32)
    images[:] = (np.arange(count) / count)[:, None, None, None]
    return Dataset(ImageArray(images), None, Role.TRAIN, "train.npz")


def sheet_of(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_the_worst_come_first_and_equals_in_their_order() -> None:
    found = suspects(
        dataset(9), LABELS, np.array([1, 4, 7, 8]), np.array([0.5, 2.0, 0.5, 1.0]), np.array([0])
    )

    assert [(4, 2.0), (8, 1.0), (1, 0.5), (7, 0.5)] == [(each.index, each.score) for each in found.samples]
    assert {(1, ""), (2, "")} == {(each.label, each.file) for each in found.samples}
    assert 4 == found.count


def test_a_long_list_is_cut_but_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_LISTED", 2)

    found = suspects(dataset(9), LABELS, np.arange(9), np.arange(9.0), np.empty(0, np.int64))

    assert (9, [8, 7]) == (found.count, [each.index for each in found.samples])


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3), (200, 300, 3)])
def test_the_sheet_shows_the_worst_above_usual_ones(shape: tuple[int, int, int]) -> None:
    found = suspects(dataset(60, shape), LABELS, np.arange(50), np.arange(50.0), np.array([59, 58]))

    with sheet_of(found.sheet_png) as sheet:
        pixels = np.asarray(sheet.convert("L"))
    assert round(49 / 60 * 255) == pixels[0, 0]
    assert max(pixels.shape) < 1200
    bottom = pixels[-shape[0] if shape[0] < 100 else -80 :, 0]
    assert abs(int(bottom[0]) - round(59 / 60 * 255)) <= 1


def test_the_sheet_can_do_without_usual_ones() -> None:
    found = suspects(dataset(3), LABELS, np.array([0]), np.array([1.0]), np.empty(0, np.int64))

    with sheet_of(found.sheet_png) as sheet:
        assert (8 * 68, 68) == sheet.size
