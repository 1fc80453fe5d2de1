from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gate.core.errors import DataError
from gate.core.job import Role
from gate.models.datasets import dataset as datasets
from gate.models.datasets.dataset import Dataset

GREY = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
LABELS = np.array([0, 1, 2, 0, 1, 2])
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(**arrays: Any) -> Path:
        np.savez_compressed(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return write


def load(
    path: Path,
    role: Role = Role.TRAIN,
    shape: tuple[int, int, int] = (4, 4, 1),
    span: tuple[float, float] = (0.0, 1.0),
) -> Dataset:
    return datasets.load(path, role, shape, 3, span)


def pixels(dataset: Dataset) -> Any:
    return dataset.images[np.arange(len(dataset.images))]


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        load(path, **options)
    assert error.value.hint
    assert str(error.value).startswith(str(path))
    return str(error.value)


@pytest.mark.parametrize(
    ("role", "keys", "chosen"),
    [
        (Role.TRAIN, ("x_train", "x_test", "x"), "x_train"),
        (Role.TRAIN, ("x_test", "x"), "x_test"),
        (Role.CLEAN, ("x_train", "x_test", "x"), "x_test"),
        (Role.CLEAN, ("x_train", "x"), "x_train"),
        (Role.CLEAN, ("x",), "x"),
    ],
)
def test_the_part_that_fits_the_role_is_read(
    save: Save, role: Role, keys: tuple[str, ...], chosen: str
) -> None:
    images = {key: np.full((4, 4, 4), len(key), np.uint8) for key in keys}
    labels = {key.replace("x", "y"): [0, 1, 2, number] for number, key in enumerate(keys)}

    dataset = load(save(**images, **labels), role)

    assert [0, 1, 2, keys.index(chosen)] == list(dataset.labels if dataset.labels is not None else ())
    assert np.float32(len(chosen) / 255) == pixels(dataset).max()
    assert role is dataset.role


def test_images_without_labels_have_none(save: Save) -> None:
    assert load(save(x=GREY)).labels is None


@pytest.mark.parametrize(
    ("images", "span"),
    [
        (GREY, (-1.0, 1.0)),
        (GREY[..., None], (0.0, 1.0)),
        (GREY / 255, (0.0, 1.0)),
        (GREY / 127.5 - 1, (-1.0, 1.0)),
        (GREY.astype(np.float64), (0.0, 255.0)),
        (GREY.astype(np.int64), (0.0, 255.0)),
    ],
    ids=["bytes", "with channel", "unit", "signed", "floats to 255", "whole numbers"],
)
def test_images_of_every_range_become_unit_range(save: Save, images: Any, span: tuple[float, float]) -> None:
    dataset = load(save(x=images), span=span)

    images = pixels(dataset)
    assert ((6, 4, 4, 1), np.float32) == (images.shape, images.dtype)
    np.testing.assert_allclose(GREY / 255, images[..., 0], atol=1e-6)


@pytest.mark.parametrize(
    "labels", [LABELS, LABELS.astype(np.uint8), LABELS[:, None], np.eye(3)[LABELS]], ids=str
)
def test_labels_of_every_form_become_numbers(save: Save, labels: Any) -> None:
    dataset = load(save(x=GREY, y=labels))

    assert (list(LABELS), np.int64) == (list(dataset.labels), dataset.labels.dtype)  # type: ignore[arg-type, union-attr]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected the key x_train, x_test or x, received nothing"),
        ({"images": GREY}, "expected the key x_train, x_test or x, received images"),
        ({"x": GREY[:, :3]}, "expected n x 4 x 4 x 1, received 6 x 3 x 4 x 1"),
        ({"x": np.zeros((6, 4, 4, 3), np.uint8)}, "expected n x 4 x 4 x 1, received 6 x 4 x 4 x 3"),
        ({"x": np.zeros(16, np.uint8)}, "expected n x 4 x 4 x 1, received 16"),
        ({"x": np.uint8(3)}, "expected n x 4 x 4 x 1, received one number"),
        ({"x": GREY[:0]}, "expected n x 4 x 4 x 1, received 0 x 4 x 4 x 1"),
        ({"x": GREY > 3}, "expected numbers, received bool"),
        ({"x": GREY.astype(str)}, "expected numbers, received <U3"),
        ({"x": GREY * 1j}, "expected numbers, received complex128"),
        ({"x": np.where(GREY, 0.5, np.nan)}, "some pixels are NaN or infinite"),
        ({"x": np.where(GREY, 0.5, np.inf)}, "some pixels are NaN or infinite"),
        ({"x": GREY.astype(float)}, "expected pixels in 0..1, received 0..95"),
        ({"x": GREY / 255 - 0.5}, "expected pixels in 0..1, received -0.5..-0.127451"),
        ({"x": np.array([None, "pickle"])}, "cannot be read as .npz"),
        ({"x": GREY, "y": np.array([None] * 6)}, "cannot be read as .npz"),
        ({"x": GREY, "y": LABELS + 1}, "expected labels 0..2, received 1..3"),
        ({"x": GREY, "y": LABELS - 1}, "expected labels 0..2, received -1..1"),
        ({"x": GREY, "y": LABELS[:5]}, "expected 6 whole-number labels, received int64 of shape (5,)"),
        ({"x": GREY, "y": LABELS + 0.5}, "expected 6 whole-number labels, received float64 of shape (6,)"),
        ({"x": GREY, "y": np.eye(4)[LABELS]}, "received float64 of shape (6, 4)"),
        ({"x": GREY, "y": LABELS.astype(str)}, "expected 6 whole-number labels, received <U21"),
    ],
)
def test_data_that_do_not_fit_are_refused_with_what_was_expected(
    save: Save, arrays: dict[str, Any], message: str
) -> None:
    assert message in refusal(save(**arrays))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", GREY)
    (tmp_path / "empty.npz").touch()
    (tmp_path / "pickle.npz").write_bytes(b"\x80\x04N.")

    for name in ("array.npy", "empty.npz", "pickle.npz"):
        assert "expected an .npz file, received another kind of file" in refusal(tmp_path / name)


def test_a_damaged_archive_is_refused(save: Save) -> None:
    file = save(x=np.random.default_rng(0).integers(0, 255, (50, 4, 4), np.uint8))
    whole = file.read_bytes()

    file.write_bytes(whole[:-100])
    assert "another kind of file" in refusal(file)
    for position in (60, 200):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        assert "cannot be read as .npz" in refusal(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file or folder of images" in refusal(tmp_path / "absent.npz")


def test_hostile_names_are_printable(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load(tmp_path / "\x1b[2J\u202e")

    assert str(error.value).isprintable()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of one picture each, as bright as their number; clutter in between."""
    for name, level in (("0", 10), ("2", 20), ("10", 30)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (9, 7), (level, level, level)).save(tmp_path / name / "a.PNG")
        (tmp_path / name / "notes.txt").write_text("not a picture")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "README").write_text("not a class")
    return tmp_path


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_of_class_folders_is_a_data_set(folder: Path, channels: int) -> None:
    dataset = load(folder, shape=(4, 5, channels), span=(-1.0, 1.0))

    assert [0, 2, 1] == list(dataset.labels)  # type: ignore[arg-type]  # a folder always labels
    assert [0, 1, 2] == list(dataset.other_labels)  # type: ignore[arg-type]  # "10" comes before "2"
    assert (3, 4, 5, channels) == pixels(dataset).shape
    np.testing.assert_allclose([10, 30, 20], pixels(dataset)[:, 0, 0, 0] * 255, atol=1e-3)


def test_a_list_of_pictures_is_a_data_set(folder: Path) -> None:
    (folder / "list.csv").write_text("file,label\n10/a.PNG,2\n0/a.PNG,0\n2/a.PNG,1\n")

    dataset = load(folder / "list.csv")

    assert [2, 0, 1] == list(dataset.labels)  # type: ignore[arg-type]  # it has a column for them
    np.testing.assert_allclose([30, 10, 20], pixels(dataset)[:, 0, 0, 0] * 255, atol=1e-3)


def test_a_flat_folder_is_a_data_set_without_labels(folder: Path) -> None:
    dataset = load(folder / "2", Role.CLEAN)

    assert (1, None) == (len(dataset.images), dataset.labels)


def test_labels_that_the_model_does_not_know_are_refused_in_a_list_too(folder: Path) -> None:
    (folder / "list.csv").write_text("file,label\n10/a.PNG,3\n0/a.PNG,1\n2/a.PNG,2\n")

    assert "expected labels 0..2, received 1..3" in refusal(folder / "list.csv")


def test_more_folders_than_classes_are_refused(folder: Path) -> None:
    (folder / "11").mkdir()
    Image.new("L", (4, 4)).save(folder / "11" / "a.png")

    assert "expected 3 class folders, received 4" in refusal(folder)


def test_a_training_set_without_one_class_is_refused(save: Save) -> None:
    arrays = {"x": GREY, "y": np.array([0, 2, 0, 2, 0, 2])}

    assert "expected images of all 3 classes, received none of class 1." in refusal(save(**arrays))
    assert 6 == len(load(save(**arrays), Role.CLEAN).images)


def test_labels_that_count_from_one_are_told_so(save: Save) -> None:
    with pytest.raises(DataError) as error:
        load(save(x=GREY, y=LABELS + 1))

    assert "They count from 1; save y - 1." == error.value.hint


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nrubbish"])
def test_a_broken_picture_is_named(folder: Path, content: bytes) -> None:
    (folder / "2" / "broken.png").write_bytes(content)

    assert "broken.png: not a picture that can be read" in refusal(folder)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()

    assert "no pictures in it or in its sub-folders" in refusal(tmp_path)
