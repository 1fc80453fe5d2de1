"""An in-toto statement with a SLSA verification summary: what deploy time may rely on. Not signed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack
from urllib.parse import quote

from gate.core.attestation import FAILED, LEVELS, PASSED, PREDICATE_TYPE, STATEMENT_TYPE, VERIFIER
from gate.core.report import ArtifactReport, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Rule
from gate.reporters.parts.json_text import Json, dump
from gate.reporters.parts.look import Look

_BUILT_IN = "built-in "
_SURROGATES = "surrogatepass"  # names of files are bytes


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the statement as JSON.

    A run that passed speaks for every model that passed or whose findings are waived, not for those whose incomplete
    scan is waived or tolerated: that was no scan of this level. A run that did not pass speaks against all of its models.
    """
    passed = report.exit_code == 0
    entries = sorted(report.artifacts, key=lambda entry: entry.artifact.path)
    subjects = [entry for entry in entries if _is_subject(entry, passed=passed)]
    return dump(
        {
            "_type": STATEMENT_TYPE,
            "subject": [_subject(entry) for entry in subjects],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {"id": VERIFIER, "version": {"backdoor-gate": report.version}},
                "resourceUri": _uri(subjects[0].artifact.path) if len(subjects) == 1 else "file:.",
                "policy": {"uri": _policy_uri(report.policy), "digest": {"sha256": report.policy.sha256}},
                "verificationResult": PASSED if passed else FAILED,
                "verifiedLevels": [LEVELS.get(report.profile, FAILED) if passed else FAILED],
            },
        }
    )


def _is_subject(entry: ArtifactReport, *, passed: bool) -> bool:
    is_cleared = entry.verdict in (Verdict.PASS, Verdict.WAIVED) and not entry.not_checked
    return entry.artifact.format.is_loadable and bool(entry.artifact.sha256) and (is_cleared or not passed)


def _subject(entry: ArtifactReport) -> Json:
    annotations: dict[str, Json] = {"verdict": entry.verdict.value}
    if entry.findings:
        annotations["rules"] = [*sorted({finding.rule for finding in entry.findings})]
    if entry.exemptions:
        annotations["waived_rules"] = [*sorted({exemption.rule for exemption in entry.exemptions})]
    if entry.content_sha256:
        annotations["content_sha256"] = entry.content_sha256
    return {
        "name": entry.artifact.path,
        "digest": {"sha256": entry.artifact.sha256},
        "annotations": annotations,
    }


def _policy_uri(policy: PolicyStamp) -> str:
    name = policy.source.removeprefix(_BUILT_IN)
    return (
        f"{VERIFIER}:policy:{quote(name, errors=_SURROGATES)}"
        if name != policy.source
        else _uri(policy.source)
    )


def _uri(path: str) -> str:
    return "file:" + quote(path, errors=_SURROGATES)
