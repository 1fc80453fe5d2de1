"""`backdoor-gate merge`: the reports of shards or of split hook batches become one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import click

from gate.cli import suggestions
from gate.core.errors import IncompleteError, UsageError
from gate.core.evidence import Evidence
from gate.core.incomplete_rules import SCAN_FAILED
from gate.core.report import ArtifactReport, ScanReport
from gate.core.text import printable
from gate.pipeline import shard_of


@click.command(short_help="Merge JSON reports of shards or batches into one.")
@click.argument("reports", nargs=-1, required=True, metavar="REPORT.json...")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=PATH",
    shell_complete=suggestions.formats,
    help="Write a report; may be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing if all models pass.")
@click.option("-v", "--verbose", is_flag=True, help="Print every model and class in full.")
def merge(reports: tuple[str, ...], outputs: tuple[str, ...], quiet: bool, verbose: bool) -> int:
    """Merge JSON reports into one and exit with the code of the whole.

    All of them must come from the same version, policy, profile and seed.
    """
    from gate.cli.outputs import parse_targets, write
    from gate.cli.registry import all_rules

    targets = parse_targets(outputs)
    merged = _merged([(name, read_report(name)) for name in reports])
    write(merged, targets, all_rules(), verbose=verbose, quiet=quiet)
    return merged.exit_code


def read_report(name: str) -> ScanReport:
    """Return the report in a JSON file.

    Raises:
        UsageError: The file cannot be read, or is no report.
    """
    from gate.reporters.json import parse

    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name}: cannot be read as a report ({error}).", hint="Name a file from --output json=FILE."
        ) from error
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{name}: {error}", hint=error.hint) from error


def _merged(reports: list[tuple[str, ScanReport]]) -> ScanReport:
    _require_same_terms(reports)
    _require_all_shards(reports)
    found: dict[str, ArtifactReport] = {}
    for _, report in reports:
        for entry in map(_portable, report.artifacts):
            known = found.setdefault(entry.artifact.path, entry)
            if _measured(known) != _measured(entry):
                raise UsageError(
                    f"{printable(entry.artifact.path)}: two reports disagree about it.",
                    hint="Scan it once, in one shard.",
                )
    notices = dict.fromkeys(notice for _, report in reports for notice in report.notices)
    return dataclasses.replace(
        reports[0][1],
        artifacts=tuple(sorted(found.values(), key=lambda entry: entry.artifact.path)),
        notices=tuple(notice for notice in notices if not _is_of_part(notice, is_empty=not found)),
        sandbox=_sandbox(report.sandbox for _, report in reports),
    )


def _measured(entry: ArtifactReport) -> ArtifactReport:
    """Without what may differ between two equal scans."""
    return dataclasses.replace(entry, seconds=0.0, is_cached=False)


def _require_same_terms(reports: list[tuple[str, ScanReport]]) -> None:
    first_name, first = reports[0]
    for name, report in reports:
        if _terms(report) != _terms(first):
            raise UsageError(
                f"{name} and {first_name} differ in version, policy, waivers, profile or seed; "
                "their verdicts do not add up.",
                hint="Run all shards with the same options.",
            )


def _terms(report: ScanReport) -> tuple[object, ...]:
    exceptions = tuple(stamp and stamp.sha256 for stamp in (report.waivers, report.baseline))
    return report.version, report.policy.sha256, *exceptions, report.profile, report.seed


def _require_all_shards(reports: list[tuple[str, ScanReport]]) -> None:
    """Refuse to speak for models whose shard left no report: its job may have been cancelled, or it cut another list of models."""
    told = {shard_of(report) for _, report in reports} - {(1, 1, "")}
    shards = {(shard, count) for shard, count, _ in told}
    counts = {count for _, count, _ in told}
    if len({selection for _, _, selection in told}) > 1:
        raise UsageError(
            "The reports are of shards of different selections; models may be missing.",
            hint="Run all shards on one commit, with the same base and the same files at hand.",
        )
    if len(counts) > 1:
        raise UsageError(
            "The reports are of shards of different sizes; models would be missing.",
            hint="Run all shards with the same N of --shard I/N.",
        )
    for count in counts:
        missing = [str(i) for i in range(1, count + 1) if (i, count) not in shards]
        if missing:
            raise IncompleteError(
                SCAN_FAILED.id,
                f"The report of shard {', '.join(missing)} of {count} is missing; its models were not judged.",
                hint="Name the reports of all shards. One without a report did not finish.",
            )


def _sandbox(told: Iterable[str]) -> str:
    return " / ".join(sorted({part for text in told for part in text.split(" / ")} - {""}))


def _portable(entry: ArtifactReport) -> ArtifactReport:
    """Without the paths of pictures, which are of the machine that scanned; they are written again."""
    return dataclasses.replace(entry, evidence=tuple(map(_pathless, entry.evidence)))


def _pathless(evidence: Evidence) -> Evidence:
    trigger, suspects = evidence.trigger, evidence.suspects
    return dataclasses.replace(
        evidence,
        trigger=trigger and dataclasses.replace(trigger, files=()),
        suspects=suspects and dataclasses.replace(suspects, files=()),
    )


def _is_of_part(notice: str, *, is_empty: bool) -> bool:
    """Return whether a notice is true of a part, but not of the whole."""
    return notice.startswith("This is shard ") or (notice.startswith("0 models to scan") and not is_empty)
