"""Say of one model why it did not pass, what would make it pass, and how to see it again."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gate.core.artifact import Artifact
from gate.core.evidence import Evidence
from gate.core.report import ArtifactReport, ScanReport, Verdict
from gate.core.reproduce import command
from gate.core.rule import Rule
from gate.core.text import harmless
from gate.policy.policy_rules import EXPIRED_WAIVER, REGRESSION
from gate.policy.waivers.loader import WAIVERS

if TYPE_CHECKING:
    from gate.policy.model import Policy

_WIDTH = 100
_LONG = 8192  # characters of a path, spelled out
_OUTCOMES = {
    Verdict.FAIL: "fails",
    Verdict.INCOMPLETE: "could not be scanned in full",
    Verdict.WAIVED: "is waived",
    Verdict.PASS: "passes",
}


def why(
    entry: ArtifactReport, report: ScanReport, rules: dict[str, Rule], policy: Policy | None
) -> Iterator[str]:
    """Yield the lines on one model.

    Args:
        entry: The model.
        report: The run that it is of.
        rules: By id.
        policy: The one that judged; None if it is no longer there.
    """
    yield f"{harmless(entry.artifact.path, _LONG)} {_OUTCOMES[entry.verdict]}"
    if entry.findings or entry.not_checked:
        yield from _reasons(entry, rules)
        if entry.verdict is not Verdict.WAIVED:
            yield from _ways_out(entry, policy)
        yield from _waivers(entry)
    yield "\n  To see it again"
    yield f"    {harmless(command(report, [entry]), _LONG)}"


def _reasons(entry: ArtifactReport, rules: dict[str, Rule]) -> Iterator[str]:
    yield "\n  Why"
    for finding in entry.findings:
        grade = f"{finding.severity}, {finding.confidence} confidence"
        yield from _item(f"{_named(finding.rule, rules)} ({grade}): {finding.message}")
    for gap in entry.not_checked:
        yield from _item(f"{_named(gap.rule, rules)}, not checked: {gap.message}")
    for exemption in entry.exemptions:
        yield from _item(f"{exemption.rule} does not count: {exemption}")


def _named(rule: str, rules: dict[str, Rule]) -> str:
    return f"{rule} {rules[rule].name}" if rule in rules else rule


def _ways_out(entry: ArtifactReport, policy: Policy | None) -> Iterator[str]:
    yield "\n  What would make it pass"
    if entry.findings:
        yield from _item("Another model in its place, trained again from data that you trust.")
    for finding in entry.findings:
        evidence = next((each for each in entry.evidence if each.detector == finding.detector), None)
        if finding.rule == REGRESSION.id:
            yield from _item(_regression(entry, finding.detector))
        elif evidence is not None:
            yield from _item(_threshold(entry, evidence, policy))
        elif finding.remedy:
            yield from _item(finding.remedy)
    if entry.not_checked:
        subject = "Besides, a" if entry.findings else "A"
        yield from _item(f"{subject} scan in full; what is missing, and how to mend it, stands above.")


def _regression(entry: ArtifactReport, detector: str) -> str:
    before = entry.difference.base_index(detector) if entry.difference else None
    after = next((each.anomaly_index for each in entry.evidence if each.detector == detector), None)
    rise = None if before is None or after is None else after - before
    enough = "above the rise" if rise is None else f"of {math.ceil(rise * 100) / 100:.2f}"
    return (
        f"A `max_regression` {enough} for this path in the policy. That lets every later model rise as far: rather waive the "
        "one file."
    )


def _threshold(entry: ArtifactReport, evidence: Evidence, policy: Policy | None) -> str:
    """Return which limit would let a measurement through, and what that would mean."""
    if policy is None:
        return (
            f"A limit above what {evidence.detector} measured; the policy that judged is not here any more, "
            "so its present limit is not known."
        )
    detectors = {each.id: each for each in policy.for_path(entry.artifact.path).detectors}
    allowed = detectors.get(evidence.detector)
    value = None if allowed is None else getattr(evidence, allowed.statistic.value)
    if allowed is None or value is None:
        return f"A limit above what {evidence.detector} measured."
    # Two decimals upwards: the limit has to be reached, not missed by a rounding.
    enough = math.ceil(value * 100) / 100
    return (
        f"A limit of {enough:.2f} for {evidence.detector} (`detectors.{evidence.detector}.max_anomaly_index` for this "
        f"path); it is {allowed.max_anomaly_index:.2f}, and {value:.2f} was measured. That lets through whatever is as "
        "suspicious as this: rather waive the one file."
    )


def _waivers(entry: ArtifactReport) -> Iterator[str]:
    # Nothing waives a waiver that expired: it is renewed.
    excused = {EXPIRED_WAIVER.id, *(exemption.rule for exemption in entry.exemptions)}
    rules = sorted({finding.rule for finding in entry.findings} - excused)
    if entry.verdict is not Verdict.FAIL or not rules:
        return
    yield f"\n  A waiver, to fill in and paste below `waivers:` in {WAIVERS}; `backdoor-gate waive` writes it, too"
    for rule in rules:
        yield textwrap.indent(stub(rule, entry.artifact), "    ")


def stub(rule: str, artifact: Artifact) -> str:
    """Return an entry for the list `waivers`; it is refused until a person has filled in the last three lines."""
    return (
        f"- rule: {_text(rule)}\n"
        f"  path: {_text(artifact.path)}\n"
        f'  digest: "sha256:{artifact.sha256}"\n'
        '  reason: ""   # why it is acceptable\n'
        '  owner: ""    # who answers for it\n'
        '  expires: ""  # last day that it counts, YYYY-MM-DD'
    )


def _text(value: str) -> str:
    """Return a text as JSON, which is YAML, too; GitHub's runner would obey `##[` in a log."""
    return json.dumps(value).replace("##[", "##\\u005b")


def _item(text: str) -> Iterator[str]:
    first, rest = "    - ", "      "
    yield textwrap.fill(
        harmless(text, 2000),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
