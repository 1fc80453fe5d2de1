from __future__ import annotations

import dataclasses

import pytest

from gate.core.finding import Finding
from gate.core.rule import Confidence, Severity

FINDING = Finding(
    rule="BD101",
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    message="Index 4.2.",
    subject="class:7",
)


def test_the_fingerprint_is_this_one_for_ever() -> None:
    # Code-scanning alerts are matched by it: another value closes every alert and opens it anew.
    assert "dac5a3e8aec7bb33" == FINDING.fingerprint("models/a.keras")


def test_a_retrained_model_keeps_its_fingerprint() -> None:
    again = dataclasses.replace(
        FINDING, message="Index 5.1.", severity=Severity.HIGH, confidence=Confidence.HIGH, remedy="Retrain."
    )

    assert FINDING.fingerprint("a.h5") == again.fingerprint("a.h5")


@pytest.mark.parametrize("change", [{"rule": "BD102"}, {"subject": "class:8"}])
def test_another_problem_has_another_fingerprint(change: dict[str, str]) -> None:
    assert FINDING.fingerprint("a.h5") != dataclasses.replace(FINDING, **change).fingerprint("a.h5")


def test_another_file_has_another_fingerprint() -> None:
    assert FINDING.fingerprint("a.h5") != FINDING.fingerprint("b.h5")


def test_a_path_that_is_no_unicode_has_a_fingerprint() -> None:
    assert 16 == len(FINDING.fingerprint("broken\udcff.h5"))
