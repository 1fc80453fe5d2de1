"""Write entries for the findings of a report: waivers that somebody answers for, or a baseline."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from gate.core.errors import PolicyError, UsageError
from gate.core.exemption import Ground
from gate.core.report import ArtifactReport, ScanReport
from gate.policy.policy_rules import EXPIRED_WAIVER
from gate.policy.problems import spell
from gate.policy.waivers.model import digests
from gate.policy.yaml_source import parse

# Sums differ a little between machines; a ceiling that the next one trips over would say nothing.
_SLACK = 1.05
_INDENT = "  "
_HEAD = """\
# Findings that somebody accepts for a while; docs: `backdoor-gate policy schema waivers`.
version: 1
waivers:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excusable:
    """One rule that a model breaks, and how far.

    Attributes:
        rule: Id of the rule.
        path: Of the model.
        digest: Of its content, as entries name it.
        anomaly_index: The largest of the rule's evidence; None if there is none.
        score: Probability of a backdoor; None if there is none.
    """

    rule: str
    path: str
    digest: str
    anomaly_index: float | None = None
    score: float | None = None


def excusable(
    report: ScanReport,
    paths: Collection[str],
    rules: Collection[str],
    digest: str,
    grounds: Collection[Ground] = (),
) -> tuple[Excusable, ...]:
    """Return what breaks a rule and is not excused yet, in the order of the report.

    Args:
        report: Of a run.
        paths: Only of these models; all if empty.
        rules: Only these rules; all findings, but no incomplete scan, if empty.
        digest: "sha256" or "content".
        grounds: Exceptions on these grounds do not count as excuses.

    Raises:
        UsageError: A model has no such digest.
    """
    wanted = (entry for entry in report.artifacts if not paths or entry.artifact.path in paths)
    return tuple(each for entry in wanted for each in _excusable(entry, rules, digest, grounds))


def waivers_text(before: str, found: Iterable[Excusable], *, reason: str, owner: str, expires: date) -> str:
    """Return a waiver file with new entries at its end; what stood there stays as it was written.

    Args:
        before: The file's valid content; "" for a new one.
        found: What to waive.
        reason: Why.
        owner: Who answers for it.
        expires: Last day.

    Raises:
        UsageError: The list of waivers is not the last thing in the file, or is not written one entry a line.
    """
    entries = [_waiver(each, reason=reason, owner=owner, expires=expires) for each in found]
    known, column = _existing(before)
    text = (before.rstrip() + "\n" if known else _HEAD) + "".join(_block(each, column) for each in entries)
    if not _says(text, [*known, *entries]):
        raise UsageError(
            "The waiver file is written in a way that no entry can be added to.",
            hint="End it with the list `waivers:`, each entry on lines of its own.",
        )
    return text


def baseline_text(found: Iterable[Excusable]) -> str:
    """Return a baseline file; equal findings give equal bytes."""
    entries = sorted({(each.path, each.rule, each.digest) for each in found})
    findings = [{"rule": rule, "path": path, "digest": digest} for path, rule, digest in entries]
    return json.dumps({"version": 1, "findings": findings}, indent=2, ensure_ascii=False) + "\n"


def _excusable(
    entry: ArtifactReport, rules: Collection[str], digest: str, grounds: Collection[Ground]
) -> Iterator[Excusable]:
    excused = {each.rule for each in entry.exemptions if each.ground not in grounds}
    found = [finding.rule for finding in entry.findings if finding.rule != EXPIRED_WAIVER.id]
    missing = [gap.rule for gap in entry.not_checked if gap.rule in rules]
    for rule in dict.fromkeys((*found, *missing)):
        if (not rules or rule in rules) and rule not in excused:
            indices = [each.anomaly_index for each in entry.evidence if each.rule == rule]
            yield Excusable(
                rule=rule,
                path=entry.artifact.path,
                digest=_digest(entry, digest),
                anomaly_index=max((each for each in indices if each is not None), default=None),
                score=entry.score,
            )


def _digest(entry: ArtifactReport, kind: str) -> str:
    named = next((each for each in digests(entry) if each.startswith(f"{kind}:")), "")
    if not named or not _is_text(entry.artifact.path):
        raise UsageError(
            f"{spell(entry.artifact.path)} has no {kind} digest in this report, or a name that is no text, so no entry "
            "can be bound to it.",
            hint="What could not be read cannot be excused; a file whose name is no UTF-8 text has to be renamed.",
        )
    return named


def _is_text(path: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in path)


def _says(text: str, entries: list[dict[str, Any]]) -> bool:
    try:
        return parse(text, "waivers").value == {"version": 1, "waivers": entries}
    except PolicyError:
        return False


def _waiver(found: Excusable, *, reason: str, owner: str, expires: date) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "rule": found.rule,
        "path": found.path,
        "digest": found.digest,
        "reason": reason,
        "owner": owner,
        "expires": expires.isoformat(),
    }
    if found.anomaly_index is not None and found.anomaly_index > 0:
        entry["max_anomaly_index"] = _ceiling(found.anomaly_index)
    if found.score is not None:
        entry["max_score"] = min(_ceiling(found.score), 1.0)
    return entry


def _ceiling(value: float) -> float:
    return math.ceil(100 * _SLACK * value) / 100


def _existing(text: str) -> tuple[list[dict[str, Any]], int]:
    """Return the entries of a file, and the column of their dashes, from 0."""
    if not text.strip():
        return [], len(_INDENT)
    source = parse(text, "waivers")
    entries = cast("dict[str, list[dict[str, Any]]]", source.value)["waivers"]
    if not entries:
        return [], len(_INDENT)
    _, column = source.values[("waivers", 0)]
    return entries, column - 1 - len("- ")


def _block(entry: dict[str, Any], column: int) -> str:
    lines = [f"{key}: {_scalar(value)}" for key, value in entry.items()]
    margin = " " * column
    return "".join(f"{margin}{'- ' if index == 0 else _INDENT}{line}\n" for index, line in enumerate(lines))


def _scalar(value: str | float) -> str:
    import yaml

    if isinstance(value, float):
        return repr(value)
    # In quotes whatever it says: YAML has many ways to read a plain word as something else.
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=math.inf).rstrip("\n")
