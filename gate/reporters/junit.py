"""JUnit XML for Jenkins, GitLab and everything else that shows test results.

One test suite per model; in it one test case for the file and one per detector. Written with junit-xml, and mended
where that library departs from Jenkins' schema (junit-10.xsd).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Unpack
from xml.etree import ElementTree

from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, ScanReport, Verdict
from gate.core.rule import Rule, Severity
from gate.core.text import printable
from gate.reporters.parts.look import Look
from gate.reporters.parts.picture import picture, shaded
from gate.reporters.parts.words import evidence_words, meaning, safe, stops_run, tally

if TYPE_CHECKING:
    from junit_xml import TestCase

_FILE_CASE = "file"
# What Jenkins' schema allows; junit-xml also writes `disabled`, which it refuses.
_ALLOWED = {
    "testsuites": ("name", "time", "tests", "failures", "errors"),
    "testsuite": ("name", "tests", "failures", "errors", "time", "skipped", "id", "package", "file"),
    "testcase": ("name", "time", "classname"),
}


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the report as JUnit XML: failed = failure, incomplete = error, waived or tolerated = skipped."""
    from junit_xml import TestSuite

    summaries = {rule.id: rule.summary for rule in rules}
    root = ElementTree.Element("testsuites", {"name": "backdoor-gate"})
    entries = sorted(report.artifacts, key=lambda entry: entry.artifact.path)
    for entry, path in zip(entries, _distinct(entries), strict=True):
        suite = TestSuite(
            name=path,
            test_cases=_cases(entry, path, summaries),
            file=path,
            properties=_properties(report, entry),
        )
        root.append(suite.build_xml_doc())
    if not report.artifacts:
        root.append(TestSuite(name="backdoor-gate", test_cases=[_empty_case(report)]).build_xml_doc())
    _mend(root)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _distinct(entries: Sequence[ArtifactReport]) -> Iterable[str]:
    """Yield each path safe to show; two that then look alike are numbered, lest a reader drops one."""
    seen: dict[str, int] = {}
    for entry in entries:
        # Long paths stay whole: a test is known by its name.
        shown = safe(entry.artifact.path, limit=4096)
        seen[shown] = seen.get(shown, 0) + 1
        yield shown if seen[shown] == 1 else f"{shown} ({seen[shown]})"


def _properties(report: ScanReport, entry: ArtifactReport) -> dict[str, str]:
    return {
        "verdict": entry.verdict.value,
        "sha256": entry.artifact.sha256,
        "policy": safe(report.policy.source),
        "policy.sha256": report.policy.sha256,
        "profile": safe(report.profile),
        "seed": str(report.seed),
        "sandbox": safe(report.sandbox),
        "version": safe(report.version),
        **{f"waived.{safe(each.rule)}": safe(str(each)) for each in entry.exemptions},
    }


def _empty_case(report: ScanReport) -> TestCase:
    from junit_xml import TestCase

    case = TestCase("models", classname="backdoor-gate")
    words = [meaning(report), *(safe(notice) for notice in report.notices)]
    case.add_skipped_info(message=", ".join(tally(report)), output="\n".join(words))
    return case


def _cases(entry: ArtifactReport, path: str, summaries: dict[str, str]) -> list[TestCase]:
    known = {evidence.detector for evidence in entry.evidence}
    file_case = _case(path, _FILE_CASE, seconds=entry.seconds)
    file_case.stdout = "\n".join(_file_words(entry))
    _add_findings(file_case, entry, [f for f in entry.findings if f.detector not in known], summaries)
    _add_gaps(file_case, entry)
    _add_waived(file_case, entry, [f for f in entry.findings if f.detector not in known])
    return [file_case, *(_detector_case(entry, path, evidence, summaries) for evidence in entry.evidence)]


def _case(path: str, check: str, seconds: float = 0.0) -> TestCase:
    from junit_xml import TestCase

    # Jenkins cuts a class name out of the test's name where there is none, at its last dot: "a.h5" -> "a", "h5".
    # The name holds the whole path, so that (class name, name) is unique: GitLab drops the second of two equals.
    folder = posixpath.dirname(path).strip("/").replace(".", "_").replace("/", ".")
    classname = ".".join(part for part in ("backdoor-gate", folder) if part)
    return TestCase(
        f"{path} [{safe(check)}]",
        classname=classname,
        elapsed_sec=seconds,
        allow_multiple_subelements=True,
    )


def _detector_case(
    entry: ArtifactReport, path: str, evidence: Evidence, summaries: dict[str, str]
) -> TestCase:
    case = _case(path, evidence.detector)
    case.stdout = "\n".join(_evidence_lines(evidence))
    mine = [finding for finding in entry.findings if finding.detector == evidence.detector]
    _add_findings(case, entry, mine, summaries)
    if evidence.status is Status.FAILED and stops_run(entry):
        case.add_error_info(message=safe(evidence.reason), error_type=safe(evidence.rule))
    elif evidence.status is not Status.MEASURED:
        case.add_skipped_info(message=f"{evidence.status}: {safe(evidence.reason)}")
    _add_waived(case, entry, mine)
    return case


def _add_findings(
    case: TestCase, entry: ArtifactReport, findings: Sequence[Finding], summaries: dict[str, str]
) -> None:
    ranks = tuple(Severity)
    for finding in sorted(findings, key=lambda finding: ranks.index(finding.severity)):
        message = safe(finding.message)
        if not _counts(finding, entry):
            continue
        summary = summaries.get(finding.rule, "")
        output = [f"{safe(finding.rule)}: {summary}", message, safe(finding.remedy)]
        case.add_failure_info(
            message=message, output="\n".join(filter(None, output)), failure_type=safe(finding.rule)
        )


def _counts(finding: Finding, entry: ArtifactReport) -> bool:
    return entry.verdict is Verdict.FAIL and entry.exemption(finding.rule) is None


def _add_waived(case: TestCase, entry: ArtifactReport, findings: Iterable[Finding]) -> None:
    """Name what does not count. A skipped test never counts as failed, so a failure must stand alone."""
    if case.failures or case.errors:
        return
    for finding in findings:
        why = entry.exemption(finding.rule)
        words = f"{safe(finding.rule)}: {safe(finding.message)}"
        case.add_skipped_info(message=f"{entry.verdict}: {words}" + (f" {safe(str(why))}" if why else ""))


def _add_gaps(case: TestCase, entry: ArtifactReport) -> None:
    for gap in entry.not_checked:
        message = f"{safe(gap.rule)}: {safe(gap.message)}"
        is_waived = entry.exemption(gap.rule) is not None
        if entry.verdict is Verdict.INCOMPLETE and not entry.tolerated and not is_waived:
            case.add_error_info(message=message, error_type=safe(gap.rule))
        elif not case.failures and not case.errors:
            case.add_skipped_info(message=f"not checked: {message}")


def _file_words(entry: ArtifactReport) -> Iterable[str]:
    yield f"verdict: {entry.verdict}"
    yield f"sha256: {entry.artifact.sha256 or 'unknown'}"
    yield from (f"not checked: {safe(str(gap))}" for gap in entry.not_checked)
    yield from (f"{safe(each.rule)}: {safe(str(each))}" for each in entry.exemptions)


def _evidence_lines(evidence: Evidence) -> Iterable[str]:
    yield evidence_words(evidence)
    drawing = picture(evidence.trigger) if evidence.trigger else None
    if drawing:
        yield from shaded(drawing)
    files = [name for holder in (evidence.trigger, evidence.suspects) if holder for name in holder.files]
    for name in filter(_is_attachable, files):
        yield f"[[ATTACHMENT|{name}]]"


def _is_attachable(name: str) -> bool:
    # Jenkins publishes whatever file such a line names; a report must not name a secret of the build machine.
    is_inside = not name.startswith("/") and ".." not in name.split("/")
    return (
        is_inside
        and name.endswith((".png", ".csv"))
        and printable(name) == name
        and not set(name) & set("[]|\\")
    )


def _mend(root: ElementTree.Element) -> None:
    for element in root.iter():
        if element.tag in _ALLOWED:
            element.set("time", f"{float(element.get('time', 0)):.3f}")
            element.attrib = {
                name: element.attrib[name] for name in _ALLOWED[element.tag] if name in element.attrib
            }
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, 0)) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', 0)) for suite in root):.3f}")
