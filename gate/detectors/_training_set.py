"""What detectors that examine a training set have in common: whether there is one, and its suspect samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Suspects
from gate.detectors._contract import Context
from gate.detectors._suspects import suspects
from gate.models.representations import FEWEST, ClassSample

Floats = NDArray[np.float64]
# From activations, shape (n, d), to scores; above 0 is suspect.
Scorer = Callable[[NDArray[np.float32]], Floats]

_USUAL = 8


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


def suspect_samples(
    context: Context, scorers: Sequence[tuple[ClassSample, Scorer]], layer: str
) -> Suspects | None:
    """Look through all members of the blamed classes, not only the sample, and list what is suspect.

    Args:
        context: With a labelled data set.
        scorers: The blamed classes, each with how its members are scored.
        layer: Whose activations are scored.
    """
    if not scorers:
        return None
    assert context.dataset is not None
    assert context.dataset.labels is not None
    assert context.representations is not None
    positions, scores = [], []
    for sample, score in scorers:
        for members, activations in context.representations.members(sample.label, layer):
            found = score(activations)
            positions.append(members[found > 0])
            scores.append(found[found > 0])
    worst, score = scorers[0]
    usual = worst.positions[np.argsort(score(worst.activations), kind="stable")[:_USUAL]]
    return suspects(
        context.dataset, context.dataset.labels, np.concatenate(positions), np.concatenate(scores), usual
    )
