from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from gate.detectors._pictures import mask_png, pattern_png


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
