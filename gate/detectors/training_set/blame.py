"""What detectors that examine a training set have in common: whether there is one, whom they blame, and its suspect samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status, Suspects
from gate.core.scale import LIMIT
from gate.detectors.shared.constants import integer
from gate.detectors.shared.contract import Context
from gate.detectors.training_set.suspects import suspects
from gate.detectors.training_set.whitening import Frame
from gate.models.datasets.dataset import FEWEST
from gate.models.features.activations import ClassSample
from gate.models.numerics.arrays import Floats

_USUAL = integer("training-set.blame.usual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined(ABC):
    """A class that was looked at, and where its suspect members lie.

    Attributes:
        sample: Of the class.
        frame: How it was looked at.
        axis: In the frame, shape ``(r,)``; pointing to the suspect side.
        threshold: Members beyond it are suspect.
        share: Of the suspect side, 0..1.
    """

    sample: ClassSample
    frame: Frame
    axis: Floats
    threshold: float
    share: float

    @property
    @abstractmethod
    def numbers(self) -> dict[str, float]:
        """What was measured of it, by name."""

    @property
    def paper_statistic(self) -> float | None:
        """The number that the paper reports; None where it has none."""
        return None

    def score(self, activations: NDArray[np.float32]) -> Floats:
        """Return how far beyond the threshold each sample is, shape ``(n,)`` from ``(n, d)``; above 0 is suspect."""
        beyond: Floats = self.frame.see(activations) @ self.axis - self.threshold
        return beyond


def missing(context: Context) -> str:
    """Return what is missing for a look at the training set; "" if nothing is."""
    if context.dataset is None:
        return "Needs a labelled training set; give one with --data."
    if context.dataset.labels is None:
        return "Needs labels; the data set has none."
    if context.dataset.role != "train":
        return "Needs the training set; the data set given is a clean one."
    assert context.representations is not None
    second, largest = ([0, *context.representations.class_sizes])[-2:]
    if second < FEWEST:
        return (
            f"Needs two classes of {FEWEST} samples or more, to compare them; "
            f"the largest ones have {largest} and {second}."
        )
    return ""


def blame(
    context: Context, detector: str, rule: str, examined: Sequence[Examined], indices: Floats, layer: str
) -> Evidence:
    """Return the evidence: the classes that the indices blame, worst first, and their suspect samples.

    Args:
        context: With a labelled data set.
        detector: Its id.
        rule: Id of its rule.
        examined: The classes that were looked at.
        indices: Of each, shape ``(k,)``.
        layer: Whose activations they score.
    """
    order = np.lexsort((np.arange(len(indices)), -indices))
    blamed = [examined[i] for i in order if indices[i] > LIMIT]
    worst = examined[order[0]]
    return Evidence(
        detector=detector,
        rule=rule,
        status=Status.MEASURED,
        anomaly_index=float(indices[order[0]]),
        paper_statistic=worst.paper_statistic,
        target_labels=tuple(each.sample.label for each in blamed or (worst,)),
        measurements=tuple(
            Measurement(name=name, value=value, label=each.sample.label)
            for each, index in zip(examined, indices, strict=True)
            for name, value in {**each.numbers, "suspect_share": each.share, "index": float(index)}.items()
        ),
        suspects=_suspect_samples(context, blamed, layer) if blamed else None,
    )


def _suspect_samples(context: Context, blamed: Sequence[Examined], layer: str) -> Suspects | None:
    """Look through all members of the blamed classes, not only the sample, and list what is suspect."""
    assert context.dataset is not None
    assert context.dataset.labels is not None
    assert context.representations is not None
    positions, scores = [], []
    for each in blamed:
        for members, activations in context.representations.members(each.sample.label, layer):
            found = each.score(activations)
            positions.append(members[found > 0])
            scores.append(found[found > 0])
    worst = blamed[0].sample
    usual = worst.positions[np.argsort(blamed[0].score(worst.activations), kind="stable")[:_USUAL]]
    return suspects(
        context.dataset, context.dataset.labels, np.concatenate(positions), np.concatenate(scores), usual
    )
