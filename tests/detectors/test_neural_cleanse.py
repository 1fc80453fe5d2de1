from __future__ import annotations

import numpy as np
import pytest

from gate.core.evidence import Evidence
from gate.detectors.neural_cleanse import NeuralCleanse
from gate.models.classifier import Classifier
from tests.detectors.contexts import context

BRIEF = NeuralCleanse(restarts=1, steps=40, images=8)


def named(evidence: Evidence) -> dict[str, float]:
    return {item.name: item.value for item in evidence.measurements if item.label is None}


def test_a_planted_backdoor_stands_out_and_the_same_seed_says_the_same(
    clean: Classifier, backdoored: Classifier
) -> None:
    surroundings = context(backdoored)

    evidence = BRIEF.run(surroundings)

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 1.0 > (BRIEF.run(context(clean)).anomaly_index or 0.0)
    assert evidence == BRIEF.run(surroundings)


def test_a_suspicious_leader_is_searched_again_on_other_images(backdoored: Classifier) -> None:
    surroundings = context(backdoored)

    evidence = BRIEF.run(surroundings)

    indices = [value for name, value in named(evidence).items() if name.startswith("index_on_")]
    assert min(2, surroundings.pools.count) == len(indices)
    weights = [surroundings.pools.knowledge(index) for index in range(len(indices))]
    assert pytest.approx(np.average(indices, weights=weights)) == evidence.anomaly_index


def test_a_network_that_no_trigger_moves_is_not_cleared(dead: Classifier) -> None:
    evidence = NeuralCleanse(restarts=1, steps=5, images=4).run(context(dead))

    assert (0.0, (), None) == (evidence.anomaly_index, evidence.target_labels, evidence.trigger)
    assert "A trigger was found for 0 of 4 classes only" in evidence.inconclusive
