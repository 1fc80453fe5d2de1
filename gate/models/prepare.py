"""The model under examination: loaded, its input range settled, with images to examine it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gate.core.errors import GateError
from gate.core.job import DataCall, Job, Role
from gate.core.report import ModelFacts
from gate.core.training_loss import TrainingLoss
from gate.models.calibrate_input import input_range
from gate.models.calibrate_input.input_range import InputRange
from gate.models.calibrate_input.logit_scale import pictures, rescale_logits
from gate.models.classifier import Classifier
from gate.models.datasets import dataset as datasets
from gate.models.datasets import label_check
from gate.models.datasets.dataset import Dataset
from gate.models.features.activations import Representations
from gate.models.surrogates.pools import SurrogatePools

_NO_BASE = "Needs the model that this one replaces: a run with --diff, and a model under the same path at the base commit."
_STATED = InputRange(0.0, 1.0, "stated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The network that the model replaces.

    Attributes:
        classifier: It, its input scaled as the model's; None if there is none to compare with.
        lack: Why there is none.
    """

    classifier: Classifier | None = None
    lack: str = _NO_BASE


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """All that detectors need of one model.

    Attributes:
        classifier: The network, its input scaled to 0..1.
        pools: Images to search on.
        dataset: The user's images; None without.
        representations: Their activations; None without labels.
        input_range: Raw values of black and white, and who says so.
        keras_version: As the file claims.
        base: What it replaces.
    """

    classifier: Classifier
    pools: SurrogatePools
    dataset: Dataset | None = None
    representations: Representations | None = None
    input_range: InputRange = _STATED
    keras_version: str = ""
    base: Base = field(default_factory=Base)

    def facts(self) -> ModelFacts:
        """Return what the report says of the model."""
        return ModelFacts(
            input_shape=self.classifier.input_shape,
            num_classes=self.classifier.num_classes,
            parameters=self.classifier.parameters,
            head=self.classifier.head,
            input_range=(self.input_range.low, self.input_range.high),
            input_range_source=self.input_range.source,
            images=self.pools.pool(0).source,
            keras_version=self.keras_version,
            clean_images=len(self.dataset.images) if self.dataset and self.dataset.role is Role.CLEAN else 0,
        )


def prepare(job: Job, network: Any, keras_version: str, loss: TrainingLoss) -> PreparedModel:
    """Settle everything that the detectors rely on.

    Args:
        job: The model to scan, and how.
        network: The job's model, loaded.
        keras_version: As the file claims; "" if it does not say.
        loss: That it was trained with, as the file claims.

    Raises:
        GateError: The model is not supported, or the data set does not fit.
    """
    raw = Classifier(network, loss)
    known_range = _input_range(job, raw)
    whole = raw.with_input_range(known_range.low, known_range.high)
    classifier = _for_searches(whole, job.seed)
    dataset = None if job.data is None else _dataset(job.data, classifier, job.seed)
    known = None
    if dataset is not None and dataset.labels is not None:
        known = Representations(classifier, dataset, job.seed)
    return PreparedModel(
        classifier=classifier,
        pools=SurrogatePools(classifier, job.seed, dataset),
        dataset=dataset,
        representations=known,
        input_range=known_range,
        keras_version=keras_version,
    )


def prepare_base(network: Any, loss: TrainingLoss, model: PreparedModel, seed: int) -> Base:
    """Return the network that a model replaces, to be compared with it.

    Args:
        network: It, loaded.
        loss: Training loss as its file claims.
        model: The model.
        seed: Of every random choice.
    """
    new = model.classifier
    try:
        old = _for_searches(Classifier(network, loss).with_input_range(new.low, new.high), seed)
    except GateError as error:
        return Base(lack=f"The model that it replaces cannot be compared: {error}")
    if _kind(old) != _kind(new):
        return Base(lack=f"The model that it replaces has {_kind(old)}; this one has {_kind(new)}.")
    return Base(classifier=old, lack="")


def _for_searches(classifier: Classifier, seed: int) -> Classifier:
    """Return a network with logits of the usual size, in fewer operations.

    Raises:
        IncompleteError: What stands behind the logits changes the order of the classes.
    """
    drawn = pictures(classifier, seed)
    classifier.require_order(drawn)
    return rescale_logits(classifier, drawn).with_folding(drawn)


def _kind(classifier: Classifier) -> str:
    return f"{classifier.num_classes} classes of pictures of {' x '.join(map(str, classifier.input_shape))}"


def _input_range(job: Job, classifier: Classifier) -> InputRange:
    if job.input_range is not None:
        return InputRange(*job.input_range, job.input_range_source)
    return input_range.find(classifier, job.seed)


def _dataset(call: DataCall, classifier: Classifier, seed: int) -> Dataset:
    span = (classifier.low, classifier.high)
    dataset = datasets.load(Path(call.path), call.role, classifier.input_shape, classifier.num_classes, span)
    datasets.require_enough(dataset)
    return label_check.settled(dataset, classifier, seed)
