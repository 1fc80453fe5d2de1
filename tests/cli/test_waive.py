"""From a report to an exception, and to a build that passes with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from gate.cli.registry import all_rules
from gate.core.artifact import Artifact, ModelFormat
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.reporters import junit, markdown, sarif
from gate.reporters.json import parse

Told = tuple[int, str, str]
Run = Callable[..., Told]
Save = Callable[..., str]

BECAUSE = ("--reason", "Reviewed: a calibration cross.", "--owner", "@vision")
EPOCH = 1795219200  # 2026-11-21
DAY = 86400


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that the static checks blame: a Lambda layer, and nothing else."""

    def layers(name: str) -> str:
        config = {"name": "l", "function_type": "lambda", "function": [name, None, None]}
        return json.dumps(
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": config}]}}
        )

    with h5py.File(tmp_path / "m.h5", "w") as store:
        store.attrs["model_config"] = layers("code")
    return tmp_path / "m.h5"


@pytest.fixture
def scan(
    told: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Check statically on some day; return exit code and report."""

    def run(*arguments: str, days: int = 0) -> tuple[int, dict[str, Any]]:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH + days * DAY))
        code, _, err = told("check", "--static", "--output=json=r.json", *arguments)
        assert "" == err
        return code, json.loads((tmp_path / "r.json").read_text())

    return run


def test_a_waived_model_passes_until_it_changes_or_the_waiver_ends(
    told: Run, scan: Any, model: Path, tmp_path: Path
) -> None:
    assert 1 == scan()[0]
    code, out, _ = told("waive", "r.json", *BECAUSE)
    assert (0, "m.h5: BD201 is waived until 2026-12-21 (.backdoor-gate/waivers.yaml).\n") == (code, out)

    code, report = scan(days=20)
    (entry,) = report["artifacts"]
    (waived,) = entry["waived_by"]
    assert (0, "pass", "waived") == (code, report["verdict"], entry["verdict"])
    assert ("BD201", "waiver", "@vision", "2026-12-21") == tuple(
        waived[key] for key in ("rule", "ground", "owner", "expires")
    )
    assert ".backdoor-gate/waivers.yaml" == report["waivers"]["source"]
    assert any("expires on 2026-12-21" in notice for notice in report["notices"])

    code, report = scan(days=31)
    assert (1, ["BD201", "BD190"]) == (code, [each["rule"] for each in report["artifacts"][0]["findings"]])

    with h5py.File(model, "a") as store:
        store.attrs["changed"] = 1
    code, report = scan()
    assert 1 == code
    assert any("is bound to another content" in notice for notice in report["notices"])


def test_every_format_tells_of_it(told: Run, scan: Any, model: Path, tmp_path: Path) -> None:
    scan()
    told("waive", "r.json", *BECAUSE)
    scan()
    report, rules = parse((tmp_path / "r.json").read_text()), all_rules()

    (result,) = json.loads(sarif.render(report, rules))["runs"][0]["results"]
    assert ("note", "external") == (result["level"], result["suppressions"][0]["kind"])
    assert "by @vision: Reviewed: a calibration cross." in result["suppressions"][0]["justification"]
    assert "waived until 2026-12-21 by @vision" in junit.render(report, rules)
    assert "waived until 2026-12-21" in markdown.render(report, rules)
    assert "waived until 2026-12-21 by @vision" in " ".join(told("explain", "r.json")[1].split())
    assert 0 == told("merge", "r.json", "--output=json=again.json")[0]
    assert parse((tmp_path / "again.json").read_text()) == report


def test_a_baseline_lets_the_old_pass_and_stops_the_new(
    told: Run, scan: Any, model: Path, tmp_path: Path
) -> None:
    scan()
    assert (0, ".backdoor-gate/baseline.json: 1 finding(s) of 1 model(s).\n") == told("baseline", "r.json")[
        :2
    ]
    (tmp_path / "new.h5").write_bytes(model.read_bytes())

    code, report = scan()

    assert (1, {"m.h5": "waived", "new.h5": "fail"}) == (
        code,
        {entry["path"]: entry["verdict"] for entry in report["artifacts"]},
    )
    assert ".backdoor-gate/baseline.json" == report["baseline"]["source"]
    results = json.loads(sarif.render(parse(json.dumps(report)), all_rules()))["runs"][0]["results"]
    assert {"m.h5": "unchanged", "new.h5": "new"} == {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: each["baselineState"]
        for each in results
    }
    told("baseline", "r.json", "--file", "both.json")
    assert 2 == len(json.loads((tmp_path / "both.json").read_text())["findings"])
    assert 0 == scan("--baseline", "both.json")[0]


def test_waivers_lie_where_the_user_says(told: Run, scan: Any, model: Path) -> None:
    scan()
    assert 0 == told("waive", "r.json", *BECAUSE, "--file", "ci/w.yaml", "--days", "7")[0]

    code, report = scan("--waivers", "ci/w.yaml")

    assert (0, "2026-11-28") == (code, report["artifacts"][0]["waived_by"][0]["expires"])
    code, out, err = told("waive", "r.json", *BECAUSE)
    assert (2, "") == (code, out)
    assert "nothing to waive" in err


def _incomplete(*findings: Any) -> ArtifactReport:
    return ArtifactReport(
        artifact=Artifact(path="m.h5", sha256="ab" * 32, size=1, format=ModelFormat.HDF5),
        verdict=Verdict.FAIL if findings else Verdict.INCOMPLETE,
        findings=findings,
        not_checked=(Gap(rule="BD004", message="Crashed."),),
    )


def test_an_incomplete_scan_is_waived_by_name_where_the_policy_allows_it(
    told: Run, save: Save, tmp_path: Path
) -> None:
    name = save("r.json", _incomplete())
    assert "nothing to waive" in told("waive", name, *BECAUSE)[2]
    assert "which the policy does not let be waived" in told("waive", name, *BECAUSE, "--rule", "BD004")[2]

    (tmp_path / ".backdoor-gate.yaml").write_text("version: 1\nwaivers: {allow_incomplete: true}\n")

    assert 0 == told("waive", name, *BECAUSE, "--rule", "BD004")[0]


def test_what_stays_incomplete_is_said(told: Run, save: Save, failing: ArtifactReport) -> None:
    code, _, err = told("waive", save("r.json", _incomplete(*failing.findings)), *BECAUSE)

    assert (0, "m.h5: the scan is incomplete (BD004), and stays so.\n") == (code, err)


def test_only_what_is_named_is_waived(told: Run, save: Save, failing: ArtifactReport) -> None:
    name = save("r.json", failing)

    assert 2 == told("waive", name, *BECAUSE, "--path", "other.h5")[0]
    assert 2 == told("waive", name, *BECAUSE, "--rule", "BD102")[0]
    assert 0 == told("waive", name, *BECAUSE, "--path", "bad.keras", "--rule", "BD101")[0]


WRONG = [
    (("--rule", "BD999"), "--rule: there is no rule 'BD999'"),
    (("--days", "91"), "--days: expected at most 90, as the policy's `waivers.max_days` says"),
    (("--days", "0"), "0 is not in the range"),
    (("--owner", " "), "--reason and --owner: expected words"),
    (("--bind", "content"), "has no content digest in this report"),
    (("--file", "r.json/w.yaml"), "--file: r.json/w.yaml cannot be written"),
    (("--file", "."), "expected a waivers file, received: a directory or device"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda value: str(value))
def test_a_waiver_that_makes_no_sense_is_refused(
    told: Run, save: Save, failing: ArtifactReport, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = told("waive", save("r.json", failing), *BECAUSE, *arguments)

    assert (2, "") == (code, out)
    assert message in err


def test_a_name_that_is_no_text_cannot_be_waived(told: Run, save: Save, failing: ArtifactReport) -> None:
    import dataclasses

    odd = dataclasses.replace(failing, artifact=dataclasses.replace(failing.artifact, path="\udcff.h5"))

    assert "a name that is no text" in told("waive", save("r.json", odd), *BECAUSE)[2]


def test_the_policy_command_checks_waivers_and_baseline_too(
    told: Run, save: Save, failing: ArtifactReport, tmp_path: Path
) -> None:
    name = save("r.json", failing)
    told("waive", name, *BECAUSE)
    told("baseline", name)

    out = told("policy", "check")[1]
    assert ".backdoor-gate/waivers.yaml: valid, 1 entries" in out
    assert (
        ".backdoor-gate/baseline.json: valid, 1 entries"
        in told("policy", "check", ".backdoor-gate/baseline.json")[1]
    )
    assert "valid, " not in told("policy", "check", "strict")[1]

    (tmp_path / ".backdoor-gate/waivers.yaml").write_text("version: 1\nwaivers: [1]")
    code, _, err = told("policy", "check")
    assert (2, True) == (code, ".backdoor-gate/waivers.yaml:2:11: waivers[0]: expected a mapping" in err)


@pytest.mark.parametrize("kind", ["policy", "waivers", "baseline"])
def test_every_schema_is_printed(told: Run, kind: str) -> None:
    assert f"backdoor-gate {kind}" == json.loads(told("policy", "schema", kind)[1])["title"]
