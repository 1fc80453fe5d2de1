from __future__ import annotations

import pytest

from benchmarks.calibration import fit_score
from benchmarks.calibration.table import evidence, main
from gate.detectors.scoring import combination
from gate.detectors.shared.constants import constants


def test_every_number_stands_in_the_table_beside_what_evidence_gives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([])

    printed = capsys.readouterr().out
    rows = {row.split(" | ")[0].removeprefix("| "): row.split(" | ") for row in printed.splitlines()}
    assert set(constants()) < set(rows)
    assert {"core.scale.LIMIT", "core.scale.LARGEST_INDEX", "score.json: lead_of_clean"} < set(rows)
    assert "0.24 (largest of 48 clean) |" == rows["scoring.calibration.excess-of-clean"][-1]
    assert "- |" == rows["strip.overlays"][-1]
    assert f"{len(constants())} entries of the table: " in printed


def test_evidence_speaks_of_numbers_that_exist() -> None:
    assert set(evidence()) <= set(constants())


def test_the_fit_gives_what_is_shipped_but_for_its_values() -> None:
    assert set(combination.fitted()) == set(fit_score.fitted())
