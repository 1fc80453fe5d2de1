"""From what the user names to a report: select, stage, scan each model in a child, judge."""

from __future__ import annotations

import dataclasses
import re
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event

import gate
from gate.core.artifact import Artifact, ModelFormat
from gate.core.events import Events
from gate.core.report import ArtifactReport, Gap, ScanReport, Verdict
from gate.core.scan import Scan
from gate.discover.selection import Candidate, Selection
from gate.isolation.starting import Starting
from gate.pipeline.examination import Examined, examine, expected_scans
from gate.pipeline.request import Plan, Request, plan
from gate.policy.judge import judge
from gate.policy.model import PathPolicy
from gate.policy.waivers.exempt import exempt
from gate.policy.waivers.remarks import remarks

__all__ = ["Plan", "Request", "plan", "run", "shard_of"]

_Judged = tuple[Scan, ArtifactReport]

# Seconds after which a signal is noticed at the latest.
_LONGEST_WAIT = 0.5
_SHARD = "This is shard {} of {} of the selection {}; merge the reports of all shards."


def run(request: Request, events: Events) -> ScanReport:
    """Scan every selected model and judge it."""
    work = plan(request)
    events.planned(tuple(candidate.path for candidate in work.candidates))
    judged = _scan_all(work.candidates, request, events)
    unselected = (_unselected(*each) for each in work.gaps)
    for scan in unselected:
        judged.append(
            (scan, _judge(Examined(scan=scan), request.policy.for_path(scan.artifact.path), request))
        )
    if request.cache:
        request.cache.close()
    reports = sorted((report for _, report in judged), key=lambda report: report.artifact.path)
    exemptions = request.exemptions
    return ScanReport(
        version=gate.__version__,
        policy=request.policy.stamp,
        profile="static" if request.is_static else request.profile,
        seed=request.seed,
        artifacts=(*_failed(request.selection), *reports),
        notices=(*request.selection.notices, *_notices(request, work, reports)),
        sandbox=" / ".join(sorted({str(scan.confinement) for scan, _ in judged if scan.confinement})),
        waivers=exemptions.waivers_stamp if exemptions else None,
        baseline=exemptions.baseline_stamp if exemptions else None,
    )


def shard_of(report: ScanReport) -> tuple[int, int, str]:
    """Return which shard a report is of, as (i, n), and of which selection; (1, 1, "") if it is of a whole run."""
    pattern = re.escape(_SHARD).replace(r"\{\}", r"([0-9a-f]+)")
    found = next(filter(None, (re.fullmatch(pattern, notice) for notice in report.notices)), None)
    return (int(found[1]), int(found[2]), found[3]) if found else (1, 1, "")


def _scan_all(candidates: tuple[Candidate, ...], request: Request, events: Events) -> list[_Judged]:
    stop = Event()

    def scan_and_judge(candidate: Candidate, policy: PathPolicy) -> _Judged:
        examined = examine(candidate, policy, request, events, start, stop)
        report = _judge(examined, policy, request)
        events.judged(report)
        return examined.scan, report

    cases = [(candidate, request.policy.for_path(candidate.path)) for candidate in candidates]
    expected = (needs_engine for case in cases for needs_engine in expected_scans(*case, request))
    with (
        Starting(request.environ, expected) as start,
        ThreadPoolExecutor(max_workers=max(1, request.jobs)) as workers,
    ):
        try:
            return _results([workers.submit(scan_and_judge, *case) for case in cases])
        except BaseException:
            # Ctrl-C, or a bug: leaving this block waits for the scans in work, which would go on for minutes.
            stop.set()
            workers.shutdown(wait=False, cancel_futures=True)
            raise


def _results(futures: list[Future[_Judged]]) -> list[_Judged]:
    """Wait for all; the first that fails ends the waiting.

    Python handles a signal between two steps of the main thread, and one that comes as that begins to wait does not wake
    it: so it never waits for long.
    """
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_LONGEST_WAIT, return_when=FIRST_EXCEPTION)
        for each in done:
            each.result()
    return [each.result() for each in futures]


def _notices(request: Request, work: Plan, reports: list[ArtifactReport]) -> tuple[str, ...]:
    notices = []
    if work.excluded:
        names = ", ".join(work.excluded[:5]) + (", ..." if len(work.excluded) > 5 else "")
        notices.append(f"The policy excludes {len(work.excluded)} model(s), which were not scanned: {names}.")
    if request.shard != (1, 1):
        notices.append(_SHARD.format(*request.shard, work.digest))
    if request.is_static:
        notices.append("Static checks only: no detector looked for a backdoor in the weights.")
    if not reports and not request.selection.failure:
        notices.append("0 models to scan: nothing was selected, so nothing can fail.")
    if request.exemptions:
        notices += remarks(reports, request.exemptions, request.policy.waivers)
    notices += _refused_by_keras(reports)
    notices += _changes(work.candidates, reports)
    notices += request.cache.notices() if request.cache else ()
    return tuple(notices)


def _refused_by_keras(reports: list[ArtifactReport]) -> list[str]:
    """Say which models nobody but the gate could load."""
    return [
        f"{report.artifact.path}: {report.model.loaded_by_keras}. What was judged is what the gate rebuilt from it."
        for report in reports
        if report.model and report.model.is_refused_by_keras
    ]


def _changes(candidates: tuple[Candidate, ...], reports: list[ArtifactReport]) -> list[str]:
    """Say how each model differs from the one at the base commit."""
    found = {report.artifact.path: report for report in reports}
    compared = sorted(candidate.path for candidate in candidates if candidate.base)
    return [f"{path}: since the base commit {_told(found[path])}." for path in compared]


def _told(report: ArtifactReport) -> str:
    difference = report.difference
    if difference is None:
        return "it could not be compared"
    before, after = difference.base_anomaly_index, report.anomaly_index
    indices = (
        "" if before is None or after is None else f"; anomaly index {after:.2f}, and {before:.2f} there"
    )
    return f"{difference}{indices}"


def _judge(examined: Examined, policy: PathPolicy, request: Request) -> ArtifactReport:
    scan = examined.scan
    report = dataclasses.replace(
        judge(scan, policy, base=examined.base, is_static=request.is_static),
        content_sha256=scan.content.sha256 if scan.content else "",
        is_cached=examined.is_cached,
        difference=examined.difference,
    )
    # An exception may be bound to the digest of the network, so the report has to hold it by now.
    return (
        exempt(report, request.exemptions, policy, request.policy.waivers) if request.exemptions else report
    )


def _unselected(path: str, gap: Gap) -> Scan:
    return Scan(artifact=_unread(path), gaps=(gap,))


def _unread(path: str) -> Artifact:
    return Artifact(path=path, sha256="", size=0, format=ModelFormat.UNKNOWN)


def _failed(selection: Selection) -> tuple[ArtifactReport, ...]:
    """Return an entry for the whole folder where nobody can say what is in question; no policy tolerates that."""
    if selection.failure is None:
        return ()
    return (
        ArtifactReport(artifact=_unread("."), verdict=Verdict.INCOMPLETE, not_checked=(selection.failure,)),
    )
