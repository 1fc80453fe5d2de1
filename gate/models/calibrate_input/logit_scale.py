"""A network that is very sure, or hardly sure at all, is tempered, so that its searches do not depend on a number that its author chose.

Multiply the weights of the last layer, and the network takes every picture for what it did before, a thousand times as sure or a
thousandth. Margins that count up to a limit are then all at the limit, and the gradients of a search are too steep for its first
steps or count for nothing beside the size of a trigger: a backdoor that is found with an index of 2.1 is at 1.4 or 0.7 then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gate.models.numerics.arrays import Images
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.selection import probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# In logits; see `usual_lead`. In 27 public networks it is 0.02 to 4.6, in 109 of the zoo 10 or less but for two (14 and 30). With 7 a
# search finds what it finds with 0.3 to 1.4, with 46 it does not, nor with 0.000001.
SUREST, LEAST_SURE = 10.0, 0.01
# No training comes to that; then even how the network answers at other input ranges says nothing.
UNHEARD_OF = 50.0
_PROBES = 24


def pictures(classifier: Classifier, seed: int) -> Images:
    """Return some drawn images of each family, shape ``(n, h, w, c)``, 0..1."""
    return np.concatenate([probes(family, classifier.input_shape, seed, _PROBES) for family in FAMILIES])


def usual_lead(classifier: Classifier, images: Images) -> float:
    """Return by how much the first class leads the second in half of the pictures or more, in logits.

    Args:
        classifier: The network, with an input range set.
        images: What `pictures` draws.

    Raises:
        IncompleteError: Some answers are no numbers (rule BD004).
    """
    second, first = np.partition(classifier.predict(images), -2, axis=1)[:, -2:].T
    return float(np.median(first - second))


def rescale_logits(classifier: Classifier, images: Images) -> Classifier:
    """Return the network with the logits `z clip(lead, LEAST_SURE, SUREST) / lead`, where `lead` is the usual one of its first class.

    Every other network stays as it is, and so does one that says the same of all pictures.

    Args:
        classifier: The network, with its input range set.
        images: What `pictures` draws.

    Raises:
        IncompleteError: Some answers are no numbers (rule BD004).
    """
    lead = usual_lead(classifier, images)
    if lead <= 0.0 or LEAST_SURE <= lead <= SUREST:
        return classifier
    return classifier.with_temperature(lead / float(np.clip(lead, LEAST_SURE, SUREST)))
