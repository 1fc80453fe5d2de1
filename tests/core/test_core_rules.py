from __future__ import annotations

import pytest

import gate.detectors
from gate.core import incomplete_rules
from gate.core.errors import DataError, GateError, IncompleteError, PolicyError, UsageError
from gate.core.report import ExitCode
from gate.core.rule import Rule
from gate.triage.static_rules import RULES

ALL_RULES = (*incomplete_rules.STOPS, *RULES, *gate.detectors.rules())


def test_ids_and_names_are_unique() -> None:
    assert len(ALL_RULES) == len({rule.id for rule in ALL_RULES}) == len({rule.name for rule in ALL_RULES})


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_explains_itself(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert rule.page.startswith("## ")
    assert rule.name == rule.name.lower().replace(" ", "-")


def test_problems_of_the_scan_stop_and_problems_of_the_model_do_not() -> None:
    assert all(rule.stops for rule in incomplete_rules.STOPS)
    assert not any(rule.stops for rule in (*RULES, *gate.detectors.rules()))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GateError("x"), ExitCode.USAGE),
        (UsageError("x"), ExitCode.USAGE),
        (PolicyError("x"), ExitCode.USAGE),
        (DataError("x"), ExitCode.INCOMPLETE),
        (IncompleteError("BD001", "x"), ExitCode.INCOMPLETE),
    ],
)
def test_each_error_knows_its_exit_code(error: GateError, code: ExitCode) -> None:
    assert (code, "x", "") == (error.exit_code, str(error), error.hint)


@pytest.mark.parametrize(
    ("hint", "message"), [("", "Truncated."), ("Save it again.", "Truncated. Save it again.")]
)
def test_an_incomplete_scan_becomes_a_gap_with_its_remedy(hint: str, message: str) -> None:
    gap = IncompleteError("BD001", "Truncated.", hint=hint).gap

    assert ("BD001", message) == (gap.rule, gap.message)
