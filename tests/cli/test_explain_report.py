"""A report explained: why a model did not pass, what would let it pass, and how to see it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
import yaml

from gate.cli.registry import known_detectors
from gate.cli.why import stub
from gate.core.artifact import Artifact, ModelFormat
from gate.core.content import BaseIndex, Difference
from gate.core.exemption import Exemption, Ground
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, PolicyStamp, Verdict
from gate.core.rule import Confidence, Severity
from gate.policy.loader import builtin_directory, load

Run = Callable[..., tuple[int, str, str]]
Save = Callable[..., str]


@pytest.fixture
def stamp(request: pytest.FixtureRequest) -> PolicyStamp:
    """The built-in default as it is now."""
    return load("default", known_detectors(), builtin_directory(), request.config.rootpath).stamp


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_limit_that_would_do_is_named_with_a_warning(
    told: Run, save: Save, failing: ArtifactReport, stamp: PolicyStamp
) -> None:
    code, out, _ = told("explain", save("r.json", failing, policy=stamp))

    assert 0 == code
    assert "bad.keras fails\n" in out
    assert "BD101 anomalous-trigger (critical, high confidence): A trigger sends all images" in words(out)
    assert "A limit of 4.00 for neural-cleanse" in words(out)
    assert "it is 2.00, and 4.00 was measured" in words(out)
    assert "backdoor-gate check --policy default --profile quick --seed 0 -- bad.keras" in out


@pytest.mark.parametrize(
    ("difference", "enough"),
    [
        (
            Difference(
                base_sha256="ab" * 32,
                base_anomaly_index=1.25,
                base_indices=(BaseIndex(detector="neural-cleanse", anomaly_index=1.25),),
                is_architecture_changed=False,
                changed_layers=(),
                added_layers=(),
                removed_layers=(),
            ),
            "A `max_regression` of 2.75 for this path",
        ),
        (None, "A `max_regression` above the rise for this path"),
    ],
)
def test_the_rise_that_would_do_is_named(
    told: Run, save: Save, failing: ArtifactReport, difference: Difference | None, enough: str
) -> None:
    (accused,) = failing.findings
    worse = dataclasses.replace(
        failing, findings=(dataclasses.replace(accused, rule="BD191"),), difference=difference
    )

    assert enough in words(told("explain", save("r.json", worse))[1])


def test_another_policy_than_the_one_that_judged_is_not_taken_for_it(
    told: Run, save: Save, failing: ArtifactReport
) -> None:
    _, out, _ = told("explain", save("r.json", failing))

    assert "the policy that judged is not here any more" in words(out)
    assert "A limit of" not in out


@pytest.mark.parametrize("source", ["gone.yaml", "built-in nonsense"])
def test_a_policy_that_is_gone_does_not_stop_the_explanation(
    told: Run, save: Save, failing: ArtifactReport, source: str
) -> None:
    code, out, _ = told(
        "explain", save("r.json", failing, policy=PolicyStamp(sha256="cd" * 32, source=source))
    )

    assert 0 == code
    assert "not here any more" in words(out)


def test_evidence_that_the_policy_does_not_compare_has_no_limit(
    told: Run, save: Save, failing: ArtifactReport, request: pytest.FixtureRequest
) -> None:
    paper = load("paper", known_detectors(), builtin_directory(), request.config.rootpath).stamp

    _, out, _ = told("explain", save("r.json", failing, policy=paper))

    assert "A limit above what neural-cleanse measured." in words(out)


def test_one_model_is_asked_for_by_its_path(
    told: Run, save: Save, failing: ArtifactReport, passing: ArtifactReport
) -> None:
    _, out, _ = told("explain", save("r.json", failing, passing), "./good.keras")

    assert "good.keras passes\n" in out
    assert "bad.keras" not in out
    assert "What would make it pass" not in out


def test_models_that_pass_are_passed_over(
    told: Run, save: Save, failing: ArtifactReport, passing: ArtifactReport
) -> None:
    _, out, _ = told("explain", save("r.json", failing, passing))

    assert "good.keras passes" not in out


@pytest.mark.parametrize(("path", "hint"), [("bad.kras", "Did you mean 'bad.keras'?"), ("x", "")])
def test_a_misspelt_path_is_corrected(
    told: Run, save: Save, failing: ArtifactReport, path: str, hint: str
) -> None:
    code, _, err = told("explain", save("r.json", failing), path)

    assert 2 == code
    assert f"r.json holds no model '{path}'." in err
    assert hint in err


def test_a_path_without_a_report_is_refused(told: Run) -> None:
    assert 2 == told("explain", "BD101", "bad.keras")[0]


def test_a_static_finding_names_its_remedy_and_a_gap_what_is_missing(
    told: Run, save: Save, failing: ArtifactReport
) -> None:
    code_in_model = Finding(
        rule="BD201",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        message="A Lambda layer.",
        remedy="Replace the layer.",
    )
    entry = dataclasses.replace(
        failing,
        findings=(code_in_model, dataclasses.replace(code_in_model, rule="BD999", remedy="")),
        not_checked=(Gap(rule="BD004", message="It crashed."),),
    )

    _, out, _ = told("explain", save("r.json", entry))

    assert "- Replace the layer." in out
    assert "- BD999 (high, high confidence): A Lambda layer." in out
    assert "BD004 failed-scan, not checked: It crashed." in out
    assert "Besides, a scan in full" in out


def test_a_scan_that_is_incomplete_needs_no_waiver_but_a_scan(
    told: Run, save: Save, passing: ArtifactReport
) -> None:
    entry = dataclasses.replace(
        passing, verdict=Verdict.INCOMPLETE, not_checked=(Gap(rule="BD004", message="It crashed."),)
    )

    _, out, _ = told("explain", save("r.json", entry))

    assert "good.keras could not be scanned in full" in out
    assert "- A scan in full" in out
    assert "waiver" not in out


def test_what_is_waived_is_said_and_what_expired_gets_no_waiver(
    told: Run, save: Save, failing: ArtifactReport
) -> None:
    waiver = Exemption(rule="BD101", ground=Ground.BASELINE, source="b.json:1")
    expired = dataclasses.replace(failing.findings[0], rule="BD190", detector="", remedy="Renew it.")
    fails = dataclasses.replace(failing, findings=(*failing.findings, expired), exemptions=(waiver,))
    passes = dataclasses.replace(failing, verdict=Verdict.WAIVED, exemptions=(waiver,))

    outs = [words(told("explain", save("r.json", entry), "bad.keras")[1]) for entry in (fails, passes)]

    assert all("- BD101 does not count: known from the baseline (b.json:1)" in out for out in outs)
    assert ["- Renew it." in out for out in outs] == [True, False]
    assert not any("A waiver, to fill in" in out for out in outs)
    assert ["What would make it pass" in out for out in outs] == [True, False]


def test_a_waiver_stub_is_yaml_that_names_the_very_file() -> None:
    path = 'models/a "b" # c: ##[error]\u2028é.h5'
    text = stub("BD101", Artifact(path=path, sha256="ab" * 32, size=1, format=ModelFormat.HDF5))

    assert [
        {
            "rule": "BD101",
            "path": path,
            "digest": f"sha256:{'ab' * 32}",
            "reason": "",
            "owner": "",
            "expires": "",
        }
    ] == yaml.safe_load(text)
    assert "##[" not in text
    assert text.isascii()


def test_no_name_of_a_model_becomes_a_command_of_the_runner(
    told: Run, save: Save, failing: ArtifactReport
) -> None:
    hostile = dataclasses.replace(
        failing, artifact=dataclasses.replace(failing.artifact, path="::error::a ##[error]b\x1b[31m.h5")
    )

    _, out, _ = told("explain", save("r.json", hostile))

    assert not [line for line in out.splitlines() if line.lstrip().startswith("::")]
    assert not {"##[", "\x1b"} & {out[i : i + n] for n in (1, 3) for i in range(len(out))}
    assert json.dumps("::error::a ##[error]b\x1b[31m.h5").replace("##[", "##\\u005b") in out
