"""One model: stage it, scan it in a child or remember its scan, compare it with the base commit's."""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from gate import isolation
from gate.core.artifact import Artifact
from gate.core.content import Difference, compare
from gate.core.errors import IncompleteError
from gate.core.events import Events, NullEvents
from gate.core.job import DataCall, DetectorCall, Job
from gate.core.scan import Scan
from gate.discover.selection import Candidate
from gate.discover.staging import stage
from gate.isolation.process import Start
from gate.pipeline import attached
from gate.pipeline.request import Request
from gate.policy.model import PathPolicy

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One model's scan, where it came from, and how the model differs from the one at the base commit."""

    scan: Scan
    is_cached: bool = False
    difference: Difference | None = None


def examine(candidate: Candidate, request: Request, events: Events, start: Start, stop: Event) -> Examined:
    """Scan one model, or find its scan in the cache, and compare it with the base commit's.

    Args:
        candidate: The model.
        request: The run.
        events: Told of the progress.
        start: Starts the scanning process.
        stop: Ends it early.
    """
    examined = _scan(candidate, request, events, start, stop)
    if not candidate.base or examined.scan.content is None:
        return examined
    return dataclasses.replace(
        examined, difference=_difference(candidate, examined.scan, request, start, stop)
    )


def _difference(
    candidate: Candidate, scan: Scan, request: Request, start: Start, stop: Event
) -> Difference | None:
    """Compare with the model at the base commit, which is read but not scanned."""
    former = dataclasses.replace(candidate, blob=candidate.base, base="", tracked=None)
    base = _scan(former, dataclasses.replace(request, is_static=True), NullEvents(), start, stop).scan
    if base.content is None or scan.content is None:
        return None
    difference = compare(base.content, scan.content, base_sha256=base.artifact.sha256)
    job = _job(base.artifact, None, request.policy.for_path(candidate.path), request)
    known = request.cache.find(job) if request.cache and job.detectors else None
    return dataclasses.replace(difference, base_anomaly_index=known.anomaly_index if known else None)


def _scan(candidate: Candidate, request: Request, events: Events, start: Start, stop: Event) -> Examined:
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
            return Examined(scan=known, is_cached=True)
        if staged.file is None:
            return Examined(scan=Scan(artifact=staged.artifact, gaps=(staged.gap,) if staged.gap else ()))

        def progress(stage_name: str, done: int, total: int, detail: str) -> None:
            events.progress(candidate.path, stage_name, done, total, detail)

        try:
            scan = isolation.run(job, start, workspace, progress, stop)
        except IncompleteError as error:
            return Examined(scan=Scan(artifact=staged.artifact, gaps=(error.gap,)))
        if request.cache:
            request.cache.keep(job, scan)
        return Examined(scan=scan)


def detectors(policy: PathPolicy, request: Request) -> tuple[DetectorCall, ...]:
    """Return the detectors that a model's path asks for; none in a static run.

    Raises:
        UsageError: A file that one of them names cannot be used.
    """
    return tuple(
        DetectorCall(detector=detector.id, parameters=attached.parameters(detector, request.root))
        for detector in policy.detectors
        if detector.enabled and not request.is_static
    )


def _job(artifact: Artifact, file: Path | None, policy: PathPolicy, request: Request) -> Job:
    span, source = (request.input_range, "option") if request.input_range else (policy.input_range, "policy")
    return Job(
        nonce=secrets.token_hex(16),
        artifact=artifact,
        file=str(file or ""),
        profile=request.profile,
        seed=request.seed,
        detectors=detectors(policy, request),
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
