from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.corpus.build import build


@dataclass(frozen=True)
class Corpus:
    """The files, and what code in them would leave."""

    folder: Path
    marker: Path


@pytest.fixture(scope="session")
def corpus(
    once: Callable[[str, Callable[[Path], None]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Corpus:
    marker = tmp_path_factory.getbasetemp() / "EXECUTED"
    return Corpus(once("corpus", lambda folder: build(folder, marker)), marker)
