"""One scan: triage, load, detect."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.core import incomplete_rules
from gate.core.effort import Effort
from gate.core.errors import GateError, IncompleteError
from gate.core.evidence import Evidence, Status
from gate.core.finding import Finding
from gate.core.job import Job
from gate.core.messages import Progress
from gate.core.report import Gap, ModelFacts
from gate.core.scan import Scan
from gate.core.text import printable
from gate.worker.inspecting import LONGEST_INSPECTION, ended_after

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context
    from gate.triage.stored import StoredModel
    from gate.worker.room import Room


def scan(job: Job, progress: Progress) -> Scan:
    """Scan one staged model file; whatever goes wrong ends as a gap of the scan."""
    started = time.monotonic()
    try:
        found = _scan(job, progress, started)
    except GateError as error:
        found = Scan(artifact=job.artifact, gaps=(_gap(error),))
    return dataclasses.replace(found, seconds=round(time.monotonic() - started, 3))


def _scan(job: Job, progress: Progress, started: float) -> Scan:
    from gate.triage.content import content
    from gate.triage.inspection import inspect

    file, kind = Path(job.file), job.artifact.format
    progress("reading the file", 0, 1, "")
    with ended_after(LONGEST_INSPECTION):
        inspection = inspect(file, kind)
    if inspection.findings or inspection.stored is None:
        return Scan(artifact=job.artifact, findings=inspection.findings)
    digests = content(file, kind, inspection.stored)
    if not job.detectors:
        return Scan(artifact=job.artifact, content=digests)
    progress("starting TensorFlow", 0, 1, "")
    start_engine(job.seed, side_by_side=job.threads)
    if job.loads_by_keras:
        found = load_by_keras(job, inspection.stored, progress)
    else:
        found = _detect(job, inspection.stored, progress, started)
    if found.model is not None:
        found = dataclasses.replace(found, model=inspection.with_provenance(found.model))
    return dataclasses.replace(found, content=digests)


def load_by_keras(job: Job, stored: StoredModel, progress: Progress) -> Scan:
    """Return what Keras builds from the file, once the gate has found that it would build it, too."""
    from gate.models.loading import load
    from gate.models.proof.keras_loading import load_by_keras as load_it
    from gate.models.rebuild.normalise import is_keras_3

    progress("loading the model with Keras", 0, 1, "")
    # First the gate's own way, which asks for no memory that the file's weights do not fill.
    load(Path(job.file), job.artifact.format, stored.config, stored.keras_version)
    loaded = load_it(Path(job.file))
    if loaded.refusal and is_keras_3(stored.keras_version):
        raise IncompleteError(
            incomplete_rules.UNREADABLE.id,
            f"Keras {loaded.version} refuses a file that says Keras {printable(stored.keras_version, 20)} wrote it "
            f"({loaded.refusal}).",
            hint="Save the model again with the Keras that runs it: model.save('model.keras').",
        )
    return Scan(artifact=job.artifact, keras=loaded)


def _detect(job: Job, stored: StoredModel, progress: Progress, started: float) -> Scan:
    from gate.detectors import create
    from gate.detectors.scoring.combination import judged
    from gate.detectors.shared.contract import Context
    from gate.models.loading import load
    from gate.models.prepare import prepare
    from gate.worker.base import base_of
    from gate.worker.budget import left_out
    from gate.worker.searching import Search, searched

    progress("loading the model", 0, 1, "")
    network = load(Path(job.file), job.artifact.format, stored.config, stored.keras_version)
    told = _two_networks(job, network)
    if told:
        return Scan(artifact=job.artifact, findings=(told,))
    model = prepare(job, network, stored.keras_version, stored.loss)
    model = dataclasses.replace(model, base=base_of(job, model))
    progress("finding images that the model knows", 0, 1, "")
    context = Context(
        model=model,
        seed=job.seed,
        is_full=job.profile == "full",
        progress=progress,
    )
    detectors = {call.detector: create(call.detector, json.loads(call.parameters)) for call in job.detectors}
    effort, room = _time_for(job, detectors, context, started)
    context = dataclasses.replace(context, effort=effort)
    evidence = searched(Search(detectors=detectors, context=context, room=room))
    heard = {each.detector for each in evidence}
    too_long = [name for name in detectors if name not in heard]
    gaps = (left_out(too_long),) if too_long else ()
    effort = Effort.LEAST if too_long else effort
    if not model.input_range.is_sure:
        evidence = tuple(_in_doubt(item, model.input_range.source) for item in evidence)
    facts = dataclasses.replace(_with_loading(model.facts(), job), effort=_left_out(evidence, effort))
    found = Scan(artifact=job.artifact, evidence=evidence, gaps=gaps, model=facts)
    joint = judged(evidence)
    if joint is None:
        return found
    return dataclasses.replace(found, score=joint.score, joint_index=joint.index, joint_label=joint.label)


def _time_for(
    job: Job, detectors: Mapping[str, Any], context: Context, started: float
) -> tuple[Effort, Room]:
    """Return what the job's budget and its time limit leave time for on this machine."""
    from gate.worker import budget
    from gate.worker.room import ALL, NONE, until

    began = time.monotonic()
    context.pools.pool(0)
    if job.budget is None and context.dataset is None:
        least = budget.speed_of_drawing(context.classifier, time.monotonic() - began)
        if budget.decide(job.seconds, began - started, detectors, context, least).effort is Effort.WHOLE:
            return Effort.WHOLE, ALL
    speed = budget.speed_of(context.classifier)
    room = until(job.seconds, started, speed.rate)
    if job.budget is None:
        return Effort.WHOLE, room
    decision = budget.decide(job.budget, time.monotonic() - started, detectors, context, speed)
    context.progress(f"planned: {decision.effort}", 0, 1, f"{decision.promised:.0f} s at most")
    return decision.effort, NONE if decision.effort is Effort.LEAST else room


def _left_out(evidence: Iterable[Evidence], effort: Effort) -> str:
    """Return what there was time for, if it was not enough; "" if it was."""
    if effort is Effort.LEAST:
        return str(effort)
    return str(Effort.SHORT) if any(each.is_cut for each in evidence) else ""


def _with_loading(facts: ModelFacts, job: Job) -> ModelFacts:
    if job.keras is None:
        return facts
    return dataclasses.replace(
        facts, loaded_by_keras=str(job.keras), is_refused_by_keras=bool(job.keras.refusal)
    )


def _two_networks(job: Job, network: Any) -> Finding | None:
    """Return what is wrong if Keras built another network than this one; None if it did not, or was not asked."""
    from gate.models.proof.comparison import difference
    from gate.models.proof.description import describe
    from gate.triage.findings import finding
    from gate.triage.static_rules import TWO_NETWORKS

    if job.keras is None or job.keras.network is None:
        return None
    told = difference(describe(network), job.keras.network)
    if not told:
        return None
    return finding(
        TWO_NETWORKS,
        "loader:keras",
        f"The file means two different networks: {told} (Keras {job.keras.version}). No detector looked at it.",
        "Find out who made the file; save the model again where it is trusted: model.save('model.keras').",
    )


def start_engine(seed: int, *, side_by_side: int = 1, per_operation: int = 1) -> None:
    """Import TensorFlow and make it repeat itself: fixed kernels, fixed seeds.

    Args:
        seed: Of every random choice that is left to the engine.
        side_by_side: Threads for independent parts (`gate.models.numerics.side_by_side`); nothing that is measured depends on them.
        per_operation: Threads that share one operation; sums depend on them.
    """
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise IncompleteError(
            incomplete_rules.MISSING_ENGINE.id,
            f"The scanning engine is not installed ({printable(str(error), 120)}).",
            hint="Install it: pip install '.[scan]' in a checkout of the gate",
        ) from error
    tf.config.threading.set_intra_op_parallelism_threads(per_operation)
    tf.config.threading.set_inter_op_parallelism_threads(side_by_side)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def _in_doubt(evidence: Evidence, source: str) -> Evidence:
    if evidence.status is not Status.MEASURED or evidence.inconclusive:
        return evidence
    reason = (
        f"The input range is not known ({source}), and a wrong one hides a backdoor. "
        "State it with --input-range LOW,HIGH or in the policy."
    )
    return dataclasses.replace(evidence, inconclusive=reason)


def _gap(error: GateError) -> Gap:
    if isinstance(error, IncompleteError):
        return error.gap
    return Gap(rule=incomplete_rules.SCAN_FAILED.id, message=f"{error} {error.hint}".rstrip())
