"""A policy is tried on reports: what would it have said?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from gate import detectors
from gate.core.report import ArtifactReport, Verdict

Told = tuple[int, str, str]
Run = Callable[..., Told]
Save = Callable[..., str]

ONLY = "detectors:\n  neural-cleanse: {max_anomaly_index: %s}\n" + "".join(
    f"  {name}: {{enabled: false}}\n" for name in detectors.ids() if name != "neural-cleanse"
)


@pytest.fixture
def mine(tmp_path: Path) -> Callable[..., None]:
    """Write a policy that listens to Neural Cleanse alone."""

    def write(limit: float = 2.0, more: str = "") -> None:
        text = "version: 1\nmax_score: null\n" + ONLY % limit + more
        (tmp_path / ".backdoor-gate.yaml").write_text(text)

    return write


@pytest.mark.parametrize(
    ("limit", "code", "bad"), [(2.0, 1, "bad.keras: fail, as before"), (5.0, 0, "bad.keras: fail -> pass")]
)
def test_each_model_is_judged_anew(
    told: Run,
    save: Save,
    mine: Callable[..., None],
    passing: ArtifactReport,
    failing: ArtifactReport,
    limit: float,
    code: int,
    bad: str,
) -> None:
    mine(limit)

    found, out, err = told("policy", "test", save("1.json", passing), save("2.json", failing))

    assert (code, "") == (found, err)
    lines = out.splitlines()
    assert lines[0].startswith(".backdoor-gate.yaml (sha256 ")
    assert ["good.keras: pass, as before", bad] == [line for line in lines if ".keras: " in line]
    assert (limit == 2.0) == ("anomaly index 4.00, allowed 2.00" in out)


def test_what_was_not_measured_cannot_pass(told: Run, save: Save, passing: ArtifactReport) -> None:
    code, out, _ = told("policy", "test", save("1.json", passing), "--policy", "default")

    assert 3 == code
    assert "good.keras: pass -> incomplete" in out
    assert "universal-patch is enabled but gave no evidence" in out


def test_an_excluded_model_counts_for_nothing(
    told: Run, save: Save, mine: Callable[..., None], failing: ArtifactReport
) -> None:
    mine(more="exclude: ['bad.keras']\n")

    code, out, _ = told("policy", "test", save("1.json", failing))

    assert 0 == code
    assert "bad.keras: fail -> not scanned, for the policy excludes it" in out


def test_tolerance_is_told(told: Run, save: Save, mine: Callable[..., None], passing: ArtifactReport) -> None:
    mine(more="incomplete: warn\n")
    unheard = dataclasses.replace(passing, verdict=Verdict.INCOMPLETE, evidence=passing.evidence[1:])

    code, out, _ = told("policy", "test", save("1.json", unheard))

    assert 0 == code
    assert "good.keras: incomplete -> incomplete, tolerated" in out


def test_another_profile_is_named(
    told: Run, save: Save, mine: Callable[..., None], passing: ArtifactReport
) -> None:
    mine(more="profile: full\n")

    out = told("policy", "test", save("1.json", passing))[1]

    assert "The policy asks for the profile full, and the scans were quick: scan to know." in out


def test_a_hostile_path_stays_on_its_line(
    told: Run, save: Save, mine: Callable[..., None], passing: ArtifactReport
) -> None:
    mine()
    artifact = dataclasses.replace(passing.artifact, path="a\x1b[2J\n::error::x.keras")

    out = told("policy", "test", save("1.json", dataclasses.replace(passing, artifact=artifact)))[1]

    assert "\x1b" not in out
    assert 2 == len(out.splitlines())
    assert "::error::" not in out


def test_reports_without_models_say_so(told: Run, save: Save) -> None:
    code, out, _ = told("policy", "test", save("1.json"))

    assert 0 == code
    assert "0 models in these reports." in out


def test_no_report_is_wrong_usage(told: Run) -> None:
    code, _, err = told("policy", "test", "none.json")

    assert 2 == code
    assert "none.json: cannot be read as a report" in err
