"""Train shadow networks in a child process, and take what it tells, shadow by shadow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.messages import Progress, ProgressTold, ShadowDone, TrainingFailed, decode
from gate.core.meta_training import Shadow, ShadowJob
from gate.core.text import printable
from gate.detectors.meta.model import MetaModel, MetaModelDone
from gate.isolation import fresh
from gate.isolation.process import failed
from gate.isolation.reading import read_messages, send_job, show, without_verdict

_SCRIPT = Path(__file__).parents[1] / "worker" / "training_child.py"
# A month: a training takes what it takes, and the user can end it.
_SECONDS = 30 * 24 * 3600.0


def run(
    job: ShadowJob,
    environ: Mapping[str, str],
    workspace: Path,
    progress: Progress,
    keep: Callable[[Shadow], None],
) -> MetaModel:
    """Train in a child process, in an empty folder of its own; `keep` takes each shadow as soon as it is done.

    Raises:
        IncompleteError: The child said what is wrong, or sent no whole record (BD004).
    """
    process = fresh.start(environ, workspace, _SCRIPT)
    found: list[MetaModel] = []
    try:
        send_job(process, job)
        code, last_words = read_messages(
            process, _SECONDS, Event(), lambda line: _take(line, job, progress, keep, found)
        )
    finally:
        process.end()
    if code or not found:
        raise without_verdict(code, last_words)
    return found[0]


def _take(
    line: bytes, job: ShadowJob, progress: Progress, keep: Callable[[Shadow], None], found: list[MetaModel]
) -> None:
    try:
        told = decode(line, ProgressTold, ShadowDone, MetaModelDone, TrainingFailed)
        if isinstance(told, ProgressTold):
            show(told, progress)
        elif isinstance(told, ShadowDone):
            keep(told.shadow)
        else:
            found.append(_meta_model(told, job))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise failed(
            f"The training process sent a malformed record ({printable(str(error), 200)})."
        ) from error


def _meta_model(told: MetaModelDone | TrainingFailed, job: ShadowJob) -> MetaModel:
    if told.nonce != job.job.nonce:
        raise ValueError("it does not belong to this training")
    if isinstance(told, TrainingFailed):
        text, hint = told.error
        raise IncompleteError(incomplete_rules.SCAN_FAILED.id, text, hint=hint)
    return told.meta
