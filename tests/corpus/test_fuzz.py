from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.corpus.fuzz import WRONG, fuzz, outcome
from tests.corpus.mutate import Mutant, mutant
from tests.corpus.parts import keras


def test_the_same_seed_gives_the_same_mutants(tmp_path: Path) -> None:
    one, other = (
        [mutant(rng, tmp_path).content for _ in range(30)] for rng in (random.Random(5), random.Random(5))
    )

    # Archives hold the time of day.
    assert [len(content) for content in one] == [len(content) for content in other]


def test_the_oracle_sees_what_it_is_there_for(tmp_path: Path) -> None:
    honest = Mutant(".keras", keras(), must_fail=True, history="an honest file said to hold code")

    assert "code called clean" == outcome(honest, tmp_path)


@pytest.mark.slow
def test_mutants_are_stopped_or_scanned(tmp_path: Path) -> None:
    counted = fuzz(45, seed=1, keep=tmp_path / "kept", every=30)

    assert not WRONG & set(counted)
    assert {"finding", "incomplete"} <= set(counted)
