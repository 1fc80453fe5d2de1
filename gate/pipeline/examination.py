"""One model: stage it, scan it in a child or remember its scan, compare it with the base commit's."""

from __future__ import annotations

import dataclasses
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from gate import isolation
from gate.core.artifact import Artifact
from gate.core.content import BaseIndex, Difference, compare
from gate.core.errors import IncompleteError, UsageError
from gate.core.events import Events
from gate.core.job import BaseCall, DataCall, DetectorCall, Job
from gate.core.scan import Scan
from gate.core.text import printable
from gate.discover.selection import Candidate
from gate.discover.staging import stage
from gate.isolation.process import Start
from gate.pipeline import parameter_files
from gate.pipeline.request import Request
from gate.policy.model import PathPolicy

# Seconds: a budget that is used up is one that nothing fits into.
_LEAST_BUDGET = 1e-3
_MIB = 1024 * 1024
# The detector that compares a model with the one that it replaces.
_ASKS_THE_BASE = "base-yardstick"
_FEWEST_THREADS, _MOST_THREADS = 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One model's scan, where it came from, and what is known of the model at the base commit (None: there is none)."""

    scan: Scan
    is_cached: bool = False
    base: Scan | None = None

    @property
    def difference(self) -> Difference | None:
        """How the network differs from the base's; None if that is not known."""
        base = self.base
        if base is None or base.content is None or self.scan.content is None:
            return None
        indices = tuple(
            BaseIndex(detector=each.detector, anomaly_index=each.anomaly_index)
            for each in base.evidence
            if each.anomaly_index is not None
        )
        return compare(
            base.content,
            self.scan.content,
            base_sha256=base.artifact.sha256,
            base_anomaly_index=base.anomaly_index,
            base_indices=indices,
        )


def examine(
    candidate: Candidate, policy: PathPolicy, request: Request, events: Events, start: Start, stop: Event
) -> Examined:
    """Scan one model, or find its scan in the cache, and look at the base commit's.

    Args:
        candidate: The model.
        policy: What its path must satisfy.
        request: The run.
        events: Told of the progress.
        start: Starts the scanning process.
        stop: Ends it early.
    """
    examined = _scan(candidate, policy, request, events, start, stop)
    if not candidate.base or examined.scan.content is None:
        return examined
    return dataclasses.replace(examined, base=_base(candidate, policy, request, events, start, stop))


def _base(
    candidate: Candidate, policy: PathPolicy, request: Request, events: Events, start: Start, stop: Event
) -> Scan:
    """Return what is known of the model at the base commit; detectors run on it only if the policy compares them."""
    former = _former(candidate)
    if policy.max_regression is not None:
        return _scan(former, policy, request, events, start, stop).scan
    base = _scan(former, policy, dataclasses.replace(request, is_static=True), events, start, stop).scan
    job = _job(base.artifact, None, policy, request)
    known = request.cache.find(job) if request.cache and job.detectors and base.content else None
    return known or base


def _base_call(candidate: Candidate, folder: Path, policy: PathPolicy, request: Request) -> BaseCall | None:
    """Return a private copy of the model at the base commit; None if there is none to be had."""
    folder.mkdir()
    limit = policy.limits.model_mb * _MIB
    staged = stage(_former(candidate), folder, limit, root=request.root, environ=request.environ)
    if staged.file is None:
        return None
    return BaseCall(file=str(staged.file), sha256=staged.artifact.sha256, format=staged.artifact.format)


def _former(candidate: Candidate) -> Candidate:
    """Return the model at the base commit as a model of its own."""
    return dataclasses.replace(candidate, blob=candidate.base, base="", tracked=None, committed=None)


def _scan(
    candidate: Candidate, policy: PathPolicy, request: Request, events: Events, start: Start, stop: Event
) -> Examined:
    with tempfile.TemporaryDirectory(prefix="backdoor-gate-") as folder:
        private, workspace = Path(folder, "model"), Path(folder, "work")
        private.mkdir()
        workspace.mkdir()
        staged = stage(
            candidate, private, policy.limits.model_mb * _MIB, root=request.root, environ=request.environ
        )
        job = _job(staged.promised or staged.artifact, staged.file, policy, request)
        if candidate.base and any(call.detector == _ASKS_THE_BASE for call in job.detectors):
            job = dataclasses.replace(job, base=_base_call(candidate, Path(folder, "base"), policy, request))
        can_be_known = staged.file is not None or staged.promised is not None
        if request.cache and can_be_known and (known := request.cache.find(job)):
            return Examined(scan=known, is_cached=True)
        if staged.file is None:
            return Examined(scan=Scan(artifact=staged.artifact, gaps=(staged.gap,) if staged.gap else ()))

        def progress(stage_name: str, done: int, total: int, detail: str) -> None:
            events.progress(candidate.path, stage_name, done, total, detail)

        try:
            scan = _in_steps(job, lambda step: isolation.run(step, start, workspace, progress, stop))
        except IncompleteError as error:
            return Examined(scan=Scan(artifact=staged.artifact, gaps=(error.gap,)))
        if request.cache:
            request.cache.keep(job, scan)
        return Examined(scan=scan)


def _in_steps(job: Job, run: Callable[[Job], Scan]) -> Scan:
    """Have a model scanned by one process after the other: static checks, Keras' own loader, detectors.

    Each reads the file for itself, and the first that stops the model has the last word.
    """
    checked = run(dataclasses.replace(job, detectors=()))
    if not job.detectors or _is_stopped(checked):
        return checked
    loaded = run(dataclasses.replace(job, nonce=_nonce(), loads_by_keras=True))
    if _is_stopped(loaded):
        return loaded
    rest = None if job.budget is None else max(_LEAST_BUDGET, job.budget - checked.seconds - loaded.seconds)
    scan = run(dataclasses.replace(job, nonce=_nonce(), keras=loaded.keras, budget=rest))
    return dataclasses.replace(scan, seconds=round(sum(each.seconds for each in (checked, loaded, scan)), 3))


def _is_stopped(scan: Scan) -> bool:
    return bool(scan.findings or scan.gaps)


def _nonce() -> str:
    return secrets.token_hex(16)


def expected_scans(candidate: Candidate, policy: PathPolicy, request: Request) -> tuple[bool, ...]:
    """Return for each process that the examination of a model comes to whether it needs TensorFlow."""
    steps = (False, True, True) if detectors(policy, request) else (False,)
    is_base_scanned = bool(candidate.base) and policy.max_regression is not None
    return steps * 2 if is_base_scanned else steps


def detectors(policy: PathPolicy, request: Request) -> tuple[DetectorCall, ...]:
    """Return the detectors that a model's path asks for; none in a static run.

    Raises:
        UsageError: A file that one of them names cannot be used.
    """
    return tuple(
        DetectorCall(
            detector=detector.id,
            parameters=parameter_files.parameters(detector, request.store_root, request.store),
        )
        for detector in policy.detectors
        if detector.enabled and not request.is_static
    )


def _job(artifact: Artifact, file: Path | None, policy: PathPolicy, request: Request) -> Job:
    span, source = (request.input_range, "option") if request.input_range else (policy.input_range, "policy")
    return Job(
        nonce=_nonce(),
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
        budget=request.budget or policy.limits.budget,
        require_sandbox=request.require_sandbox,
        threads=_threads(request.jobs),
    )


def _threads(jobs: int) -> int:
    """Return how many threads each of the scans at a time gets: an even share of the processors, within reason."""
    return min(_MOST_THREADS, max(_FEWEST_THREADS, (os.cpu_count() or 1) // max(1, jobs)))


def _data(policy: PathPolicy, request: Request) -> DataCall | None:
    if request.data is not None:
        return DataCall(path=str((request.root / request.data.path).resolve()), role=request.data.role)
    if policy.data is None:
        return None
    return DataCall(path=str(_lying(policy.data.path, request)), role=policy.data.role)


def _lying(name: str, request: Request) -> Path:
    """Return where data lie that the policy names.

    Raises:
        UsageError: The change under judgement could have led the way there.
    """
    try:
        return request.store.lying(request.root / name)
    except OSError as error:
        raise UsageError(
            f"data: {printable(name)}: expected a file or folder of the repository, received {error.strerror}.",
            hint="Name it in the policy as it lies in the repository, or give it with --data.",
        ) from error
