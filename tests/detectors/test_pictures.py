from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from gate.detectors.shared.pictures import examples_png, mask_png, pattern_png


def decoded(png: bytes) -> tuple[str, Any]:
    picture = Image.open(io.BytesIO(png))
    assert "PNG" == picture.format
    return picture.mode, np.asarray(picture)


def test_a_mask_is_a_grey_picture_of_its_strength() -> None:
    mask = np.array([[0.0, 0.5, 1.0], [0.001, 0.002, 0.999]], np.float32)[..., None]

    mode, pixels = decoded(mask_png(mask))

    assert "L" == mode
    assert [[0, 128, 255], [0, 1, 255]] == pixels.tolist()


def test_a_pattern_is_shown_where_its_mask_is_visible() -> None:
    pattern = np.full((1, 3, 3), [1.0, 0.5, 0.0], np.float32)
    mask = np.array([[0.0, 0.0019, 0.002]], np.float32)[..., None]

    mode, pixels = decoded(pattern_png(pattern, mask))

    assert "RGB" == mode
    assert [[[0, 0, 0], [0, 0, 0], [255, 128, 0]]] == pixels.tolist()


def test_a_pattern_without_colour_is_a_grey_picture() -> None:
    mode, pixels = decoded(pattern_png(np.ones((2, 4, 1), np.float32), np.ones((2, 4, 1), np.float32)))

    assert ("L", (2, 4)) == (mode, pixels.shape)


def test_the_same_trigger_gives_the_same_bytes() -> None:
    mask = np.random.default_rng(0).random((8, 8, 1), np.float32)

    assert mask_png(mask) == mask_png(mask.copy())


def test_one_image_of_each_class_stands_above_itself_with_the_trigger() -> None:
    images = np.stack([np.full((32, 32, 1), value, np.float32) for value in (0.2, 0.4, 0.6, 0.8)])

    mode, pixels = decoded(examples_png(images, images + 0.5, np.array([7, 3, 7, 3])))

    assert ("RGB", (2 * 68, 2 * 68, 3)) == (mode, pixels.shape)
    tops, bottoms = pixels[0, ::68, 0], pixels[68, ::68, 0]
    assert ([51, 102], [178, 230]) == (tops.tolist(), bottoms.tolist())


def test_a_large_image_is_shrunk_and_only_six_are_shown() -> None:
    images = np.zeros((9, 256, 128, 3), np.float32)

    _, pixels = decoded(examples_png(images, images, np.arange(9)))

    assert (2 * (64 + 4), 6 * (32 + 4), 3) == pixels.shape


def test_without_an_image_that_it_turns_there_is_no_picture() -> None:
    none = np.zeros((0, 8, 8, 1), np.float32)

    assert b"" == examples_png(none, none, np.zeros(0, np.int64))
