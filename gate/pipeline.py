"""From what the user names to a report: select, stage, scan each model in a child, judge."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import gate
from gate import isolation
from gate.cache.verdicts import VerdictCache
from gate.core.artifact import Artifact, ModelFormat
from gate.core.content import Difference, compare
from gate.core.errors import IncompleteError
from gate.core.events import Events, NullEvents
from gate.core.job import DataCall, DetectorCall, Job
from gate.core.report import ArtifactReport, Gap, ScanReport, Verdict
from gate.core.scan import Scan
from gate.discover.selection import Candidate, Selection
from gate.discover.staging import stage
from gate.policy.judge import judge
from gate.policy.model import PathPolicy, Policy
from gate.policy.waivers.exempt import exempt
from gate.policy.waivers.model import Exemptions
from gate.policy.waivers.remarks import remarks

_MIB = 1024 * 1024
_SHARD = "This is shard {} of {}; merge the reports of all shards."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run.

    Attributes:
        selection: What to scan.
        policy: Who judges.
        root: Folder that relative paths of the policy and of `data` start from.
        environ: Environment of the parent, for git and for what the child may see of it.
        profile: "quick" or "full".
        seed: Of every random choice.
        jobs: Models scanned at the same time.
        shard: (i, n): only every n-th model, beginning with the i-th, 1 <= i <= n.
        input_range: Stated by the user; wins over the policy.
        data: Stated by the user; wins over the policy.
        is_static: Whether static checks are all that is asked for.
        require_sandbox: Whether a scan that cannot be locked in is refused.
        exemptions: Waivers and baseline; None for none.
        cache: Where scans are looked up and kept; None to scan anew and keep nothing.
    """

    selection: Selection
    policy: Policy
    root: Path
    environ: Mapping[str, str]
    profile: str
    seed: int = 0
    jobs: int = 1
    shard: tuple[int, int] = (1, 1)
    input_range: tuple[float, float] | None = None
    data: DataCall | None = None
    is_static: bool = False
    require_sandbox: bool = False
    exemptions: Exemptions | None = None
    cache: VerdictCache | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examined:
    """One model's scan, where it came from, and how the model differs from the one at the base commit."""

    scan: Scan
    is_cached: bool = False
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run scans.

    Attributes:
        candidates: The models.
        gaps: (path, why it will not be scanned).
        excluded: Paths that the policy keeps the gate away from, models and pointers alike; sorted.
    """

    candidates: tuple[Candidate, ...]
    gaps: tuple[tuple[str, Gap], ...]
    excluded: tuple[str, ...]


def plan(request: Request) -> Plan:
    """Return what a run would scan; of a shard, its share."""
    is_excluded = request.policy.is_excluded
    selection = request.selection
    first, step = request.shard
    candidates = [each for each in selection.candidates if not is_excluded(each.path)]
    gaps = [(path, gap) for path, gap in selection.gaps if not is_excluded(path)]
    paths = (*(each.path for each in selection.candidates), *(path for path, _ in selection.gaps))
    return Plan(
        candidates=tuple(candidates[first - 1 :: step]),
        gaps=tuple(gaps[first - 1 :: step]),
        excluded=tuple(sorted(filter(is_excluded, paths))),
    )


def run(request: Request, events: Events) -> ScanReport:
    """Scan every selected model and judge it."""
    work = plan(request)
    events.planned(tuple(candidate.path for candidate in work.candidates))
    judged = _scan_all(work.candidates, request, events)
    unselected = (_unselected(*each) for each in work.gaps)
    judged += [(scan, _judge(_Examined(scan=scan), request)) for scan in unselected]
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


def shard_of(report: ScanReport) -> tuple[int, int]:
    """Return which shard a report is of, as (i, n); (1, 1) if it is of a whole run."""
    pattern = re.escape(_SHARD).replace(r"\{\}", r"(\d+)")
    found = next(filter(None, (re.fullmatch(pattern, notice) for notice in report.notices)), None)
    return (int(found[1]), int(found[2])) if found else (1, 1)


def _scan_all(
    candidates: tuple[Candidate, ...], request: Request, events: Events
) -> list[tuple[Scan, ArtifactReport]]:
    stop = Event()

    def scan_and_judge(candidate: Candidate) -> tuple[Scan, ArtifactReport]:
        examined = _examine(candidate, request, events, stop)
        report = _judge(examined, request)
        events.judged(report)
        return examined.scan, report

    with ThreadPoolExecutor(max_workers=max(1, request.jobs)) as workers:
        try:
            return list(workers.map(scan_and_judge, candidates))
        except BaseException:
            # Ctrl-C, or a bug: leaving this block waits for the scans in work, which would go on for minutes.
            stop.set()
            raise


def _notices(request: Request, work: Plan, reports: list[ArtifactReport]) -> tuple[str, ...]:
    notices = []
    if work.excluded:
        names = ", ".join(work.excluded[:5]) + (", ..." if len(work.excluded) > 5 else "")
        notices.append(f"The policy excludes {len(work.excluded)} model(s), which were not scanned: {names}.")
    if request.shard != (1, 1):
        notices.append(_SHARD.format(*request.shard))
    if request.is_static:
        notices.append("Static checks only: no detector looked for a backdoor in the weights.")
    if not reports and not request.selection.failure:
        notices.append("0 models to scan: nothing was selected, so nothing can fail.")
    if request.exemptions:
        notices += remarks(reports, request.exemptions, request.policy.waivers)
    notices += _changes(work.candidates, reports)
    notices += request.cache.notices() if request.cache else ()
    return tuple(notices)


def _changes(candidates: tuple[Candidate, ...], reports: list[ArtifactReport]) -> list[str]:
    """Say how each model differs from the one at the base commit."""
    found = {report.artifact.path: report.difference for report in reports}
    compared = sorted(candidate.path for candidate in candidates if candidate.base)
    return [
        f"{path}: since the base commit {found[path] or 'it could not be compared'}." for path in compared
    ]


def _judge(examined: _Examined, request: Request) -> ArtifactReport:
    scan = examined.scan
    policy = request.policy.for_path(scan.artifact.path)
    report = dataclasses.replace(
        judge(scan, policy, is_static=request.is_static),
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


def _examine(candidate: Candidate, request: Request, events: Events, stop: Event) -> _Examined:
    examined = _scan(candidate, request, events, stop)
    if not candidate.base or examined.scan.content is None:
        return examined
    return dataclasses.replace(examined, difference=_difference(candidate, examined.scan, request, stop))


def _difference(candidate: Candidate, scan: Scan, request: Request, stop: Event) -> Difference | None:
    """Compare with the model at the base commit, which is read but not scanned."""
    former = dataclasses.replace(candidate, blob=candidate.base, base="", tracked=None)
    base = _scan(former, dataclasses.replace(request, is_static=True), NullEvents(), stop).scan
    if base.content is None or scan.content is None:
        return None
    difference = compare(base.content, scan.content, base_sha256=base.artifact.sha256)
    job = _job(base.artifact, None, request.policy.for_path(candidate.path), request)
    known = request.cache.find(job) if request.cache and job.detectors else None
    return dataclasses.replace(difference, base_anomaly_index=known.anomaly_index if known else None)


def _scan(candidate: Candidate, request: Request, events: Events, stop: Event) -> _Examined:
    policy = request.policy.for_path(candidate.path)
    with tempfile.TemporaryDirectory(prefix="backdoor-gate-") as folder:
        private, workspace = Path(folder, "model"), Path(folder, "work")
        private.mkdir()
        workspace.mkdir()
        staged = stage(
            candidate, private, policy.limits.model_mb * _MIB, root=request.root, environ=request.environ
        )
        job = _job(staged.promised or staged.artifact, staged.file, policy, request)
        can_be_known = staged.file is not None or staged.promised is not None
        if request.cache and can_be_known and (known := request.cache.find(job)):
            return _Examined(scan=known, is_cached=True)
        if staged.file is None:
            return _Examined(scan=Scan(artifact=staged.artifact, gaps=(staged.gap,) if staged.gap else ()))

        def progress(stage_name: str, done: int, total: int, detail: str) -> None:
            events.progress(candidate.path, stage_name, done, total, detail)

        try:
            scan = isolation.run(job, request.environ, workspace, progress, stop)
        except IncompleteError as error:
            return _Examined(scan=Scan(artifact=staged.artifact, gaps=(error.gap,)))
        if request.cache:
            request.cache.keep(job, scan)
        return _Examined(scan=scan)


def _job(artifact: Artifact, file: Path | None, policy: PathPolicy, request: Request) -> Job:
    calls = tuple(
        DetectorCall(detector=detector.id, parameters=json.dumps(dict(detector.parameters)))
        for detector in policy.detectors
        if detector.enabled and not request.is_static
    )
    span, source = (request.input_range, "option") if request.input_range else (policy.input_range, "policy")
    return Job(
        nonce=secrets.token_hex(16),
        artifact=artifact,
        file=str(file or ""),
        profile=request.profile,
        seed=request.seed,
        detectors=calls,
        input_range=span,
        input_range_source=source if span else "",
        data=_data(policy, request),
        memory_mb=policy.limits.memory_mb,
        seconds=policy.limits.seconds,
        require_sandbox=request.require_sandbox,
    )


def _data(policy: PathPolicy, request: Request) -> DataCall | None:
    call = request.data
    if call is None and policy.data is not None:
        call = DataCall(path=policy.data.path, role=policy.data.role)
    return None if call is None else DataCall(path=str((request.root / call.path).resolve()), role=call.role)
