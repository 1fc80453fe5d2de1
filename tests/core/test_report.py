from __future__ import annotations

import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.report import ArtifactReport, ExitCode, Gap, PolicyStamp, ScanReport, Verdict, exit_code

ARTIFACT = Artifact(path="m.h5", sha256="", size=0, format=ModelFormat.HDF5)


def report(verdict: Verdict, *, tolerated: bool = False) -> ArtifactReport:
    return ArtifactReport(artifact=ARTIFACT, verdict=verdict, tolerated=tolerated)


PASS, FAIL, WAIVED = report(Verdict.PASS), report(Verdict.FAIL), report(Verdict.WAIVED)
INCOMPLETE, TOLERATED = report(Verdict.INCOMPLETE), report(Verdict.INCOMPLETE, tolerated=True)


@pytest.mark.parametrize(
    ("reports", "code", "verdict"),
    [
        ((), ExitCode.PASS, Verdict.PASS),
        ((PASS, WAIVED), ExitCode.PASS, Verdict.PASS),
        ((PASS, TOLERATED), ExitCode.PASS, Verdict.PASS),
        ((PASS, INCOMPLETE), ExitCode.INCOMPLETE, Verdict.INCOMPLETE),
        ((TOLERATED, INCOMPLETE), ExitCode.INCOMPLETE, Verdict.INCOMPLETE),
        ((INCOMPLETE, FAIL), ExitCode.FINDINGS, Verdict.FAIL),
        ((FAIL, PASS, TOLERATED), ExitCode.FINDINGS, Verdict.FAIL),
        ((report(Verdict.FAIL, tolerated=True),), ExitCode.FINDINGS, Verdict.FAIL),
    ],
)
def test_findings_win_over_gaps_and_gaps_over_passes(
    reports: tuple[ArtifactReport, ...], code: ExitCode, verdict: Verdict
) -> None:
    run = ScanReport(
        version="1", policy=PolicyStamp(sha256="", source=""), profile="quick", seed=0, artifacts=reports
    )

    assert code is exit_code(iter(reports))
    assert (code, verdict) == (run.exit_code, run.verdict)


def test_the_exit_codes_are_the_documented_ones() -> None:
    documented = {"PASS": 0, "FINDINGS": 1, "USAGE": 2, "INCOMPLETE": 3, "INTERRUPTED": 130}

    assert documented == {code.name: code.value for code in ExitCode}


def test_a_gap_reads_as_rule_and_message() -> None:
    assert "BD001: Empty file." == str(Gap(rule="BD001", message="Empty file."))


@pytest.mark.parametrize("kind", ModelFormat)
def test_only_models_themselves_are_loadable(kind: ModelFormat) -> None:
    assert (kind in (ModelFormat.HDF5, ModelFormat.KERAS_ZIP)) == kind.is_loadable
