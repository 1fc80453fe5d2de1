"""Teach a meta-model for one architecture; what is done is kept, so a run that was ended goes on where it was."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.cache.key import data_sha256
from gate.core.artifact import Artifact
from gate.core.codec import from_plain, to_plain
from gate.core.errors import IncompleteError, UsageError
from gate.core.job import DataCall, Job
from gate.core.messages import Progress
from gate.core.meta_training import Shadow, ShadowJob
from gate.core.text import printable
from gate.detectors.meta.model import VERSION, MetaModel
from gate.discover.selection import Candidate
from gate.discover.staging import stage
from gate.isolation import meta_training

META = "meta.json"
_RECIPE, _SHADOWS = "recipe.json", "shadows"
_LARGEST_MODEL = 2048 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What to teach from.

    Attributes:
        model: File whose architecture the shadow networks have.
        data: Labelled images to train them on.
        out: Folder for what comes of it.
        shadows: How many, clean and backdoored together.
        epochs: Of each training, at most.
        images: To train each on, at most.
        seed: Of every random choice.
        input_range: Stated (low, high); None to find out.
        root: Folder that relative names start from.
        environ: Environment of the parent.
    """

    model: str
    data: DataCall
    out: Path
    shadows: int
    epochs: int
    images: int
    seed: int
    input_range: tuple[float, float] | None
    root: Path
    environ: Mapping[str, str]


def teach(lesson: Lesson, progress: Progress) -> MetaModel:
    """Train the shadows that are missing, write the meta-model, and return it.

    Args:
        lesson: What to teach from.
        progress: Called with (stage, done, total, detail).

    Raises:
        GateError: Model, images or folder cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="backdoor-gate-") as folder:
        private, workspace = Path(folder, "model"), Path(folder, "work")
        private.mkdir()
        workspace.mkdir()
        job = _job(lesson, private)
        known = _resumed(lesson, job.artifact)
        task = ShadowJob(
            job=job, shadows=lesson.shadows, epochs=lesson.epochs, images=lesson.images, known=known
        )
        meta = meta_training.run(
            task, lesson.environ, workspace, progress, lambda each: _keep(each, lesson.out)
        )
    _write(lesson.out / META, meta.dump())
    return meta


def _job(lesson: Lesson, private: Path) -> Job:
    candidate = Candidate(path=lesson.model, file=lesson.root / lesson.model)
    staged = stage(candidate, private, _LARGEST_MODEL, root=lesson.root, environ=lesson.environ)
    if staged.gap or staged.file is None:
        assert staged.gap is not None
        raise IncompleteError(staged.gap.rule, f"{printable(lesson.model)}: {staged.gap.message}")
    return Job(
        nonce=secrets.token_hex(16),
        artifact=staged.artifact,
        file=str(staged.file),
        profile="full",
        seed=lesson.seed,
        detectors=(),
        input_range=lesson.input_range,
        input_range_source="option" if lesson.input_range else "",
        data=DataCall(path=str((lesson.root / lesson.data.path).resolve()), role=lesson.data.role),
        memory_mb=0,
    )


def _resumed(lesson: Lesson, artifact: Artifact) -> tuple[Shadow, ...]:
    """Return the shadows that the folder holds already; refuse a folder that holds those of something else."""
    recipe = _recipe(lesson, artifact)
    file = lesson.out / _RECIPE
    try:
        (lesson.out / _SHADOWS).mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _write(file, recipe)
        if file.read_text(encoding="utf-8") != recipe:
            raise UsageError(
                f"{printable(str(lesson.out))}: it holds shadows of another model, data set or setting.",
                hint="Name another folder with --out, or remove this one.",
            )
        found = sorted((lesson.out / _SHADOWS).glob("*.json"))
        return tuple(from_plain(Shadow, json.loads(each.read_text(encoding="utf-8"))) for each in found)
    except OSError as error:
        raise UsageError(f"{printable(str(lesson.out))}: {error.strerror}.", hint="Name a folder.") from error
    except ValueError as error:
        raise UsageError(
            f"{printable(str(lesson.out))}: a file of it is damaged ({printable(str(error), 120)}).",
            hint="Remove the folder, or name another one with --out.",
        ) from error


def _recipe(lesson: Lesson, artifact: Artifact) -> str:
    """Return what the shadows depend on; how many they are does not change one of them."""
    parts = {
        "version": VERSION,
        "model": artifact.sha256,
        "data": data_sha256(str(lesson.root / lesson.data.path)),
        "role": lesson.data.role,
        "epochs": lesson.epochs,
        "images": lesson.images,
        "seed": lesson.seed,
        "input_range": lesson.input_range,
    }
    text = json.dumps(parts, sort_keys=True)
    return json.dumps({"sha256": hashlib.sha256(text.encode("ascii")).hexdigest()}) + "\n"


def _keep(shadow: Shadow, out: Path) -> None:
    _write(out / _SHADOWS / f"{shadow.number:04d}.json", json.dumps(to_plain(shadow)) + "\n")


def _write(file: Path, text: str) -> None:
    """Write whole or not at all: a run that is ended leaves no half file."""
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
