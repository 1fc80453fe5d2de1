from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.errors import DataError
from gate.models.datasets.forms import npz as npz_images
from gate.models.datasets.forms.npz import NpzImages

SHAPE = (4, 4, 1)
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(images: Any, *, is_compressed: bool = True) -> Path:
        (np.savez_compressed if is_compressed else np.savez)(tmp_path / "data.npz", x=images)
        return tmp_path / "data.npz"

    return write


def opened(
    path: Path, shape: tuple[int, int, int] = SHAPE, span: tuple[float, float] = (0.0, 1.0)
) -> NpzImages:
    return NpzImages(path, "x", shape, span)


def refusal(path: Path, shape: tuple[int, int, int] = SHAPE) -> tuple[str, str]:
    with pytest.raises(DataError) as error:
        opened(path, shape)
    assert str(error.value).startswith(str(path))
    return str(error.value), error.value.hint


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[NpzImages, Any]:
    """Forty images in blocks of three, read back by position."""
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), np.uint8)
    path = tmp_path_factory.mktemp("npz") / "data.npz"
    np.savez_compressed(path, x=images)
    return NpzImages(path, "x", SHAPE, (0.0, 1.0)), images


@given(chosen=st.sets(st.integers(0, 39)))
def test_any_images_are_read_in_one_pass(stored: tuple[NpzImages, Any], chosen: set[int]) -> None:
    images, raw = stored
    positions = np.array(sorted(chosen), np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(npz_images, "_BLOCK_BYTES", 3 * 16)

        found = list(images.stream(positions))

    expected = raw[positions].astype(np.float32) / np.float32(255)
    assert np.array_equal(expected, np.concatenate(found) if found else np.empty((0, 4, 4, 1)))


@pytest.mark.parametrize("is_compressed", [True, False])
def test_images_are_scaled_from_the_stated_range(save: Save, is_compressed: bool) -> None:
    raw = np.linspace(-1, 1, 32).reshape(2, 4, 4)

    images = opened(save(raw, is_compressed=is_compressed), span=(-1.0, 1.0))

    assert (2, "") == (len(images), images.name(0))
    np.testing.assert_allclose((raw + 1) / 2, images[np.array([0, 1])][..., 0], atol=1e-6)


def test_rounding_just_outside_of_the_range_is_cut_off(save: Save) -> None:
    images = opened(save(np.linspace(-0.01, 1.01, 16).reshape(1, 4, 4, 1)))[np.array([0])]

    assert (0.0, 1.0) == (images.min(), images.max())


@pytest.mark.parametrize(
    ("stored", "shape", "hint"),
    [
        ((2, 3, 5, 4), (5, 4, 3), "The channels come first; save images.transpose(0, 2, 3, 1)."),
        ((2, 4, 4), (4, 4, 3), "The images are grey, the model takes colour"),
        ((2, 4, 4, 1), (4, 4, 3), "The images are grey, the model takes colour"),
        ((2, 4, 4, 3), (4, 4, 1), "The images have colours, the model takes grey"),
        ((2, 8, 8, 1), (4, 4, 1), "Resize or convert them"),
    ],
)
def test_images_of_another_shape_are_refused_with_what_mends_them(
    save: Save, stored: tuple[int, ...], shape: tuple[int, int, int], hint: str
) -> None:
    message, found = refusal(save(np.zeros(stored, np.uint8)), shape)

    assert f"received {' x '.join(map(str, stored))}" in message
    assert found.startswith(hint)


def test_the_first_broken_image_is_named(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_images, "_BLOCK_BYTES", 2 * 16 * 8)
    images = np.zeros((9, 4, 4, 1))
    images[[5, 7], 1, 2] = np.nan

    assert "NaN or infinite, first in image 5." in refusal(save(images))[0]


def test_images_stored_column_by_column_are_refused(save: Save) -> None:
    assert "ascontiguousarray" in refusal(save(np.asfortranarray(np.zeros((3, 4, 4, 1), np.uint8))))[1]


def test_an_array_that_ends_early_is_refused(tmp_path: Path) -> None:
    import io
    import zipfile

    buffer = io.BytesIO()
    np.save(buffer, np.zeros((5, 4, 4, 1), np.uint8))
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue()[:-20])

    assert "x ends at image 3" in refusal(tmp_path / "data.npz")[0]


def test_headers_of_the_second_version_are_read(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array(member, np.zeros((2, 4, 4, 1), np.uint8), version=(2, 0))

    assert 2 == len(opened(tmp_path / "data.npz"))
