"""What is waived, by whom and until when; everything else counts."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.errors import PolicyError
from gate.core.evidence import Evidence, Status
from gate.core.exemption import Ground
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, Gap, Verdict
from gate.core.rule import Confidence, Severity
from gate.policy.model import Consequence, PathPolicy, WaiverTerms
from gate.policy.store import WorkingTree
from gate.policy.waivers.exempt import exempt
from gate.policy.waivers.loader import Files, load, schema_of
from gate.policy.waivers.model import Exemptions
from gate.policy.waivers.remarks import remarks

TODAY = date(2026, 11, 21)
DIGEST = "ab" * 32
CONTENT = "cd" * 32
RULES = ("BD001", "BD004", "BD101", "BD201")


def _finding(rule: str) -> Finding:
    return Finding(rule=rule, severity=Severity.HIGH, confidence=Confidence.HIGH, message="Bad.")


def _report(
    *rules: str, gaps: tuple[str, ...] = (), index: float | None = 3.0, path: str = "m.h5"
) -> ArtifactReport:
    status = Status.SKIPPED if index is None else Status.MEASURED
    evidence = Evidence(
        detector="d", rule="BD101", status=status, anomaly_index=index, reason="x" if index is None else ""
    )
    return ArtifactReport(
        artifact=Artifact(path=path, sha256=DIGEST, size=9, format=ModelFormat.HDF5),
        content_sha256=CONTENT,
        verdict=Verdict.FAIL if rules else Verdict.INCOMPLETE if gaps else Verdict.PASS,
        anomaly_index=index,
        findings=tuple(map(_finding, rules)),
        not_checked=tuple(Gap(rule=rule, message="Missing.") for rule in gaps),
        evidence=(evidence,),
    )


def _waiver(**changes: object) -> dict[str, object]:
    entry = {
        "rule": "BD101",
        "path": "m.h5",
        "digest": f"sha256:{DIGEST}",
        "reason": "Reviewed.",
        "owner": "@me",
        "expires": "2026-12-31",
    }
    return entry | changes


def _known(**changes: object) -> dict[str, object]:
    return {"rule": "BD101", "path": "m.h5", "digest": f"sha256:{DIGEST}"} | changes


@pytest.fixture
def exceptions(tmp_path: Path) -> Any:
    """Load waivers and baseline from files that hold these entries, or this text."""

    def write_and_load(
        *waivers: object, baseline: object = None, text: str = "", **options: Any
    ) -> Exemptions:
        if waivers or text:
            (tmp_path / "w.yaml").write_text(text or json.dumps({"version": 1, "waivers": waivers}))
        if baseline is not None:
            (tmp_path / "b.json").write_text(json.dumps({"version": 1, "findings": baseline}))
        store = WorkingTree(root=tmp_path)
        files = Files(waivers=tmp_path / "w.yaml", baseline=tmp_path / "b.json", store=store)
        return load(files, RULES, options.get("today", TODAY), options.get("max_days", 90))

    return write_and_load


def _judged(report: ArtifactReport, found: Exemptions, **terms: Any) -> ArtifactReport:
    return exempt(report, found, PathPolicy(), WaiverTerms(**terms))


def _says(report: ArtifactReport, found: Exemptions, **terms: Any) -> str:
    return "\n".join(remarks([_judged(report, found, **terms)], found, WaiverTerms(**terms)))


def test_without_files_nothing_is_waived(exceptions: Any) -> None:
    found = exceptions()

    assert Exemptions(today=TODAY) == found
    assert Verdict.FAIL is _judged(_report("BD101"), found).verdict
    assert "" == _says(_report("BD101"), found)


@pytest.mark.parametrize("digest", [f"sha256:{DIGEST}", f"content:{CONTENT}"])
def test_a_waived_model_says_why_by_whom_and_until_when(exceptions: Any, digest: str) -> None:
    report = _judged(_report("BD101"), exceptions(_waiver(digest=digest)))

    (exemption,) = report.exemptions
    assert (Verdict.WAIVED, Ground.WAIVER, "BD101") == (report.verdict, exemption.ground, exemption.rule)
    assert "waived until 2026-12-31 by @me: Reviewed. (w.yaml:1)" == str(exemption)
    assert 1 == len(report.findings)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "BD201"},
        {"path": "other.h5"},
        {"path": "*.h5"},
        {"digest": f"sha256:{CONTENT}"},
        {"digest": f"content:{DIGEST}"},
        {"max_anomaly_index": 2.9},
        {"max_score": 0.5},  # no score was measured, so nobody knows that it is below
    ],
)
def test_a_waiver_of_something_else_has_no_effect(exceptions: Any, change: dict[str, object]) -> None:
    report = _report("BD101")

    assert report == _judged(report, exceptions(_waiver(**change)))


def test_a_ceiling_that_is_just_reached_holds(exceptions: Any) -> None:
    found = exceptions(_waiver(max_anomaly_index=3.0, max_score=0.5))
    report = dataclasses.replace(_report("BD101"), score=0.5)

    assert Verdict.WAIVED is _judged(report, found).verdict
    assert Verdict.FAIL is _judged(dataclasses.replace(report, score=0.51), found).verdict


def test_a_ceiling_without_a_measurement_does_not_hold(exceptions: Any) -> None:
    found = exceptions(_waiver(rule="BD201", max_anomaly_index=3.0))

    assert Verdict.FAIL is _judged(_report("BD201", index=None), found).verdict
    assert "it allows anomaly index up to 3, and it is not known." in _says(
        _report("BD201", index=None), found
    )


def test_each_finding_needs_its_own_waiver(exceptions: Any) -> None:
    one, both = exceptions(_waiver()), exceptions(_waiver(), _waiver(rule="BD201"))
    report = _report("BD101", "BD201")

    assert Verdict.FAIL is _judged(report, one).verdict
    assert ("BD101",) == tuple(each.rule for each in _judged(report, one).exemptions)
    assert Verdict.WAIVED is _judged(report, both).verdict


def test_a_waived_finding_does_not_excuse_what_was_not_scanned(exceptions: Any) -> None:
    report = _report("BD101", gaps=("BD004",))
    found = exceptions(_waiver(), _waiver(rule="BD004"))

    judged = _judged(report, found)

    assert (Verdict.INCOMPLETE, False) == (judged.verdict, judged.tolerated)
    tolerant = exempt(report, found, PathPolicy(incomplete=Consequence.WARN), WaiverTerms())
    assert (Verdict.INCOMPLETE, True) == (tolerant.verdict, tolerant.tolerated)
    assert "the policy does not allow that (`waivers.allow_incomplete`)" in _says(report, found)


def test_an_incomplete_scan_is_waived_where_the_policy_allows_it_and_the_waiver_names_it(
    exceptions: Any,
) -> None:
    report = _report(gaps=("BD004",))

    assert Verdict.INCOMPLETE is _judged(report, exceptions(_waiver()), allow_incomplete=True).verdict
    assert Verdict.INCOMPLETE is _judged(report, exceptions(_waiver(rule="BD004"))).verdict
    assert Verdict.WAIVED is _judged(report, exceptions(_waiver(rule="BD004")), allow_incomplete=True).verdict


@pytest.mark.parametrize(("expires", "counts"), [("2026-11-20", False), ("2026-11-21", True)])
def test_a_waiver_counts_until_the_end_of_its_last_day(exceptions: Any, expires: str, counts: bool) -> None:
    report = _judged(_report("BD101"), exceptions(_waiver(expires=expires)))

    assert counts == (report.verdict is Verdict.WAIVED)


def test_an_expired_waiver_is_a_finding_of_its_own(exceptions: Any) -> None:
    found = exceptions(_waiver(expires="2026-01-01", reason="old"), _waiver(expires="2026-10-01"))

    report = _judged(_report("BD101"), found)

    assert ["BD101", "BD190"] == [finding.rule for finding in report.findings]
    expected = "The waiver of BD101 expired on 2026-10-01. It is @me's: Reviewed. (w.yaml:1)"
    assert expected == report.findings[-1].message
    assert (Verdict.FAIL, "waiver:BD101") == (report.verdict, report.findings[-1].subject)
    assert "" == _says(_report("BD101"), found)


def test_a_renewed_waiver_silences_the_expired_one(exceptions: Any) -> None:
    found = exceptions(_waiver(expires="2026-01-01"), _waiver())

    assert Verdict.WAIVED is _judged(_report("BD101"), found).verdict
    assert "" == _says(_report("BD101"), found)


def test_an_expired_waiver_of_a_model_outside_the_run_is_a_remark(exceptions: Any) -> None:
    found = exceptions(*[_waiver(path=f"{i}.h5", expires="2026-01-01") for i in range(7)])

    assert "7 waiver(s) of models that are not in this run have expired: w.yaml:1, " in _says(
        _report(), found
    )


def test_the_baseline_covers_what_was_there_and_nothing_new(exceptions: Any) -> None:
    found = exceptions(baseline=[_known()])

    known = _judged(_report("BD101"), found)
    assert (Verdict.WAIVED, Ground.BASELINE) == (known.verdict, known.exemptions[0].ground)
    assert "known from the baseline (b.json:1)" == str(known.exemptions[0])
    assert Verdict.FAIL is _judged(_report("BD101", "BD201"), found).verdict
    changed = dataclasses.replace(
        _report("BD101"), artifact=dataclasses.replace(_report().artifact, sha256="ef" * 32)
    )
    assert Verdict.FAIL is _judged(changed, found).verdict
    assert "b.json:1 does not count: it is bound to another content" in _says(changed, found)


def test_a_waiver_outranks_the_baseline(exceptions: Any) -> None:
    report = _judged(_report("BD101"), exceptions(_waiver(expires="2026-01-01"), baseline=[_known()]))

    assert Verdict.FAIL is report.verdict


@pytest.mark.parametrize(
    ("report", "change", "remark"),
    [
        (_report("BD101"), {"expires": "2026-12-05"}, "m.h5: the waiver of BD101 by @me expires on 2026-12-05 (w.yaml:1)."),
        (_report("BD101"), {"max_anomaly_index": 2.5}, "it allows anomaly index up to 2.5, and it is 3."),
        (_report(), {}, "the model has no finding of BD101 any more. Remove the entry."),
        (_report(gaps=("BD001",)), {}, ""),
        (_report("BD101"), {"expires": "2026-12-06"}, ""),
        (_report("BD101"), {"digest": f"content:{'0' * 64}"}, "it is bound to another content (content:00000000000...)"),
    ],
)  # fmt: skip
def test_what_does_not_count_or_soon_will_not_is_said(
    exceptions: Any, report: ArtifactReport, change: dict[str, object], remark: str
) -> None:
    said = _says(report, exceptions(_waiver(**change)))

    assert remark in said
    assert bool(remark) == bool(said)


BROKEN = {
    "no list": ("version: 1", "1:1: waivers: missing, expected a list of mappings"),
    "unknown key": ("version: 1\nwaivers:\n- rul: BD101", "3:3: waivers[0].rul: unknown key, did you mean 'rule'?"),
    "no day": (None, {"expires": "2026-02-30"}, "expected a day of the calendar, received '2026-02-30'"),
    "another form": (None, {"expires": "31.12.2026"}, "expected a string such as '2027-01-31', received '31.12.2026'"),
    "too long": (None, {"expires": "2027-02-20"}, "expected a day up to 2027-02-19, as the policy's `waivers.max_days` says"),
    "no rule": (None, {"rule": "BD999"}, "expected a rule, received 'BD999', expected one of BD001"),
    "rule misspelt": (None, {"rule": "BD102"}, "received 'BD102', did you mean 'BD"),
    "short digest": (None, {"digest": "sha256:ab"}, "expected a string such as 'sha256:e3b0"),
    "no reason": (None, {"reason": " "}, "expected a string such as 'The cross"),
    "not YAML": ("version: [", "1:11: not YAML"),
    "empty": ("", "expected a mapping with 'version: 1', received an empty file"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_broken_waiver_file_says_where_what_and_how(exceptions: Any, case: tuple[Any, ...]) -> None:
    text = json.dumps({"version": 1, "waivers": [_waiver(**case[1])]}) if case[0] is None else case[0] or "\n"

    with pytest.raises(PolicyError) as caught:
        exceptions(text=text)

    assert str(caught.value).startswith("w.yaml:")
    assert case[-1] in str(caught.value)
    assert caught.value.hint


def test_a_broken_baseline_is_refused_too(exceptions: Any) -> None:
    with pytest.raises(PolicyError, match=r"^b\.json:1:\d+: findings\[0\]\.reason: unknown key"):
        exceptions(baseline=[_waiver()])


def test_a_waiver_file_that_is_a_directory_is_refused(exceptions: Any, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").mkdir()

    with pytest.raises(PolicyError, match="expected a waivers file, received: a directory or device"):
        exceptions()


def test_the_stamps_name_file_and_bytes(exceptions: Any) -> None:
    found = exceptions(_waiver(), baseline=[_known()])

    assert ("w.yaml", "b.json") == (found.waivers_stamp.source, found.baseline_stamp.source)
    assert all(len(stamp.sha256) == 64 for stamp in (found.waivers_stamp, found.baseline_stamp))


@pytest.mark.parametrize("kind", ["waivers", "baseline"])
def test_the_schemas_describe_every_key_with_valid_examples(kind: str) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    (entry,) = schema["$defs"].values()
    for name, key in {**schema["properties"], **entry["properties"]}.items():
        assert key["description"].endswith("."), name
        assert all(validator.evolve(schema=key).is_valid(example) for example in key["examples"]), name
