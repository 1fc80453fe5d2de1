"""What a stream can show is found out from the stream and from what its owner asked for."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest

from gate.cli.terminal import terminal


@pytest.fixture
def screen() -> Iterator[io.TextIOWrapper]:
    """A real terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        yield stream
    os.close(master)


@pytest.fixture
def file() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii")


@pytest.mark.parametrize(
    ("environ", "is_live", "color"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
    ],
)
def test_a_terminal_is_coloured_unless_its_owner_minds(
    screen: io.TextIOWrapper, environ: dict[str, str], is_live: bool, color: bool
) -> None:
    found = terminal(screen, environ)

    assert (is_live, color, True) == (found.is_live, found.color, found.unicode)


@pytest.mark.parametrize(
    ("environ", "color", "width"),
    [
        ({}, False, 100),
        ({"FORCE_COLOR": "1"}, True, 100),
        ({"COLUMNS": "72"}, False, 72),
        ({"COLUMNS": "9"}, False, 40),
        ({"COLUMNS": "999"}, False, 110),
        ({"COLUMNS": "wide"}, False, 100),
    ],
)
def test_a_file_is_plain_and_as_wide_as_asked(
    file: io.TextIOWrapper, environ: dict[str, str], color: bool, width: int
) -> None:
    found = terminal(file, environ)

    assert (False, color, False, width) == (found.is_live, found.color, found.unicode, found.width)
