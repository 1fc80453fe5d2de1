"""Pictures of triggers: shapes stay visible, and no PNG breaks a report."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gate.core.evidence import Trigger
from gate.reporters.parts.picture import picture, shaded


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def trigger(mask: bytes, pattern: bytes = b"") -> Trigger:
    return Trigger(target_label=0, l1_norm=1, attack_success_rate=1, mask_png=mask, pattern_png=pattern)


def square(side: int, top: int, left: int, size: int) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[top : top + size, left : left + size] = 255
    return mask


def test_half_blocks_show_every_pixel_row() -> None:
    drawing = picture(trigger(png(square(4, 1, 1, 2))), columns=4)

    assert drawing is not None
    assert ("┌────┐", "│ ▄▄ │", "│ ▀▀ │", "└────┘") == shaded(drawing)
    assert ("+----+", "| :: |", "| :: |", "+----+") == shaded(drawing, unicode=False)


def test_small_inputs_are_magnified_by_whole_pixels() -> None:
    drawing = picture(trigger(png(square(8, 0, 0, 1))))

    assert drawing is not None
    assert 32 == drawing.width
    assert "│████" + " " * 28 + "│" == shaded(drawing)[1]


def test_a_small_trigger_survives_a_large_input() -> None:
    drawing = picture(
        trigger(png(square(224, 210, 210, 7)), png(np.full((224, 224, 3), (255, 0, 0), np.uint8)))
    )

    assert drawing is not None
    assert 255 == max(drawing.mask)
    assert (255, 0, 0) == drawing.colours[drawing.mask.index(255)]


def test_an_odd_height_is_padded() -> None:
    drawing = picture(trigger(png(np.full((3, 5), 255, np.uint8))), columns=5)

    assert drawing is not None
    assert ("│█████│", "│▀▀▀▀▀│") == shaded(drawing)[1:-1]


def test_a_faint_mask_stays_fainter_than_a_solid_one() -> None:
    drawing = picture(trigger(png(np.full((4, 4), 20, np.uint8))), columns=4)

    assert drawing is not None
    assert "│░░░░│" == shaded(drawing)[1]


def test_a_pattern_of_another_size_is_drawn_as_white() -> None:
    mask = png(square(4, 0, 0, 4))
    drawing = picture(trigger(mask, png(np.zeros((3, 3), np.uint8))), columns=4)

    assert drawing is not None
    assert {(255, 255, 255)} == set(drawing.colours)


@pytest.mark.parametrize(
    "mask",
    [
        b"",
        b"GIF89a",
        png(np.zeros((4, 4), np.uint8))[:40],
        png(np.zeros((1025, 1), np.uint8)),
        b"\x89PNG\r\n\x1a\n" + bytes(40),
    ],
    ids=["none", "not a PNG", "cut", "too large", "no pixels"],
)
def test_an_unreadable_mask_is_no_picture(mask: bytes) -> None:
    assert picture(trigger(mask)) is None


@given(place=st.integers(0, 80), flips=st.binary(min_size=1, max_size=6))
def test_a_broken_png_never_breaks_the_report(place: int, flips: bytes) -> None:
    good = png(square(6, 1, 1, 3))
    bad = good[:place] + flips + good[place + len(flips) :]

    drawing = picture(trigger(bad, bad))

    assert drawing is None or len(drawing.mask) == len(drawing.colours)
