"""Train shadow networks in a child process, and take what it tells, shadow by shadow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

from gate.core import rules
from gate.core.codec import from_plain, to_plain
from gate.core.errors import IncompleteError
from gate.core.shadow import Shadow, ShadowJob
from gate.core.text import printable
from gate.detectors.meta.model import MetaModel
from gate.isolation import fresh
from gate.isolation.hearing import hear, message, progress_of, tell, without_verdict
from gate.isolation.process import Progress, failed

_SCRIPT = Path(__file__).parents[1] / "worker" / "shadow_child.py"
# A month: a training takes what it takes, and the user can end it.
_SECONDS = 30 * 24 * 3600.0


def run(
    job: ShadowJob,
    environ: Mapping[str, str],
    workspace: Path,
    progress: Progress,
    keep: Callable[[Shadow], None],
) -> MetaModel:
    """Train in a child process.

    Args:
        job: What to do.
        environ: The parent's environment; only harmless names are passed on.
        workspace: Empty folder of the child's own.
        progress: Called with what the child tells.
        keep: Called with each shadow as soon as it is done.

    Raises:
        IncompleteError: The child said what is wrong, or sent no whole record (BD004).
    """
    process = fresh.start(environ, workspace, _SCRIPT)
    found: list[MetaModel] = []
    try:
        tell(process, to_plain(job))
        code, last_words = hear(
            process, _SECONDS, Event(), lambda line: _heard(line, job, progress, keep, found)
        )
    finally:
        process.end()
    if code or not found:
        raise without_verdict(code, last_words)
    return found[0]


def _heard(
    line: bytes, job: ShadowJob, progress: Progress, keep: Callable[[Shadow], None], found: list[MetaModel]
) -> None:
    try:
        told = message(line)
        if set(told) == {"progress"}:
            progress(*progress_of(told))
        elif set(told) == {"shadow"}:
            keep(from_plain(Shadow, told["shadow"]))
        else:
            found.append(_meta_model(told, job))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise failed(
            f"The training process sent a malformed record ({printable(str(error), 200)})."
        ) from error


def _meta_model(told: dict[str, Any], job: ShadowJob) -> MetaModel:
    if told["nonce"] != job.job.nonce:
        raise ValueError("it does not belong to this training")
    if "error" in told:
        text, hint = told["error"]
        raise IncompleteError(rules.SCAN_FAILED.id, str(text), hint=str(hint))
    return from_plain(MetaModel, told["meta"])
