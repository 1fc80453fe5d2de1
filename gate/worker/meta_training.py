"""Teach a meta-model: open the architecture, train its shadow networks one by one, fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.core import incomplete_rules
from gate.core.errors import DataError, IncompleteError
from gate.core.job import Job
from gate.core.messages import Progress
from gate.core.meta_training import Shadow, ShadowJob
from gate.core.text import printable
from gate.models.numerics.streams import Stream, random_numbers
from gate.worker.inspecting import LONGEST_INSPECTION, ended_after
from gate.worker.scanning import start_engine

if TYPE_CHECKING:
    from gate.detectors.meta.model import MetaModel
    from gate.models.classifier import Classifier

Keep = Callable[[Shadow], None]

_MOST_IMAGES = 20_000
_FOLDS = 5
# A shadow whose trigger was not learnt is no backdoored network.
_LEARNT = 0.5
_FEWEST_OF_A_KIND = 2


def teach(job: ShadowJob, progress: Progress, keep: Keep) -> MetaModel:
    """Train the shadows that are missing, each kept as soon as it is done; return the meta-model that all of them make.

    Raises:
        GateError: The model or the images cannot be used, or the shadows did not learn.
    """
    progress("starting TensorFlow", 0, job.shadows, "")
    start_engine(job.job.seed, per_operation=job.job.threads)
    classifier = _opened(job.job)
    shadows = sorted((*job.known, *_trained(job, classifier, progress, keep)), key=lambda each: each.number)
    return _fitted([each for each in shadows if each.number < job.shadows], classifier.architecture())


def _opened(job: Job) -> Classifier:
    from gate.detectors.meta.responses import unanswerable
    from gate.models.head import unsupported
    from gate.models.loading import load
    from gate.models.prepare import prepare
    from gate.triage.inspection import inspect

    with ended_after(LONGEST_INSPECTION):
        inspection = inspect(Path(job.file), job.artifact.format)
    if inspection.stored is None:
        raise IncompleteError(
            incomplete_rules.UNREADABLE.id,
            f"{printable(job.artifact.path)}: {inspection.findings[0].message}",
            hint="See what it is: backdoor-gate check --static MODEL",
        )
    stored = inspection.stored
    # Whether the model as it is agrees with the labels does not matter: its weights are lost.
    network = load(Path(job.file), job.artifact.format, stored.config, stored.keras_version)
    model = prepare(dataclasses.replace(job, data=None), network, stored.keras_version, stored.loss)
    if not model.input_range.is_sure:
        raise IncompleteError(
            incomplete_rules.INCONCLUSIVE.id,
            f"The input range is not known ({model.input_range.source}).",
            hint="State it with --input-range LOW,HIGH",
        )
    if told := unanswerable(model.classifier):
        raise unsupported(told)
    return model.classifier


def _trained(job: ShadowJob, classifier: Classifier, progress: Progress, keep: Keep) -> Iterable[Shadow]:
    from gate.detectors.meta.shadows import Workshop

    missing = sorted(set(range(job.shadows)) - {each.number for each in job.known})
    if not missing:
        return
    workshop = Workshop(
        classifier,
        *_images(job.job, classifier),
        most=job.images,
        epochs=job.epochs,
        seed=job.job.seed,
    )
    for number in missing:
        kind = "backdoored" if number % 2 else "clean"
        progress(
            "training shadows", job.shadows - len(missing) + missing.index(number), job.shadows, f"{kind} one"
        )
        shadow = workshop.train(number)
        keep(shadow)
        yield shadow


def _images(job: Job, classifier: Classifier) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return at most 20,000 images, and their labels."""
    from gate.models.datasets import dataset as datasets

    assert job.data is not None
    span = (classifier.low, classifier.high)
    shape, count = classifier.input_shape, classifier.num_classes
    dataset = datasets.load(Path(job.data.path), job.data.role, shape, count, span)
    if dataset.labels is None:
        raise DataError(
            f"{dataset.source}: expected labelled images, received none with labels.",
            hint="Shadows are trained on them: give an .npz with y, a folder with one sub-folder per class, or records with labels.",
        )
    rng = random_numbers(job.seed, Stream.SHADOW_SPLIT)
    chosen = np.sort(rng.permutation(len(dataset.images))[:_MOST_IMAGES])
    return dataset.images[chosen], dataset.labels[chosen]


def _fitted(shadows: list[Shadow], architecture: str) -> MetaModel:
    from gate.detectors.meta.fit import fit

    useful = [each for each in shadows if not each.is_backdoored or each.success >= _LEARNT]
    is_bad = np.array([each.is_backdoored for each in useful])
    if min(is_bad.sum(), (~is_bad).sum()) < _FEWEST_OF_A_KIND:
        raise IncompleteError(
            incomplete_rules.SCAN_FAILED.id,
            f"{int(is_bad.sum())} of {len(shadows) // 2} backdoored shadows learnt their trigger; "
            f"expected {_FEWEST_OF_A_KIND} at least.",
            hint="Train longer (--epochs), on more images (--images), or more of them (--shadows).",
        )
    folds = np.arange(len(useful)) // 2 % min(_FOLDS, len(useful) // 2)
    features = np.array([each.features for each in useful])
    return fit(useful[0].names, features, is_bad, folds, architecture)
