from __future__ import annotations

import numpy as np
import pytest

from gate.detectors.maximum_margin import MaximumMargin, _margins, _sizes
from gate.detectors.scoring.calibration import MARGIN_SCALE
from gate.detectors.scoring.sizes import compared
from gate.models.classifier import Classifier
from tests.detectors.contexts import context


def test_a_planted_backdoor_leaves_the_widest_margin(backdoored: Classifier) -> None:
    evidence = MaximumMargin().run(context(backdoored))

    assert (2,) == evidence.target_labels
    assert (evidence.anomaly_index or 0.0) > 1.0
    assert 4 == sum(each.name == "maximum_margin" for each in evidence.measurements)


def test_a_clean_network_is_cleared(clean: Classifier) -> None:
    assert (MaximumMargin().run(context(clean)).anomaly_index or 0.0) < 2.0


def test_a_longer_search_finds_no_narrower_margin(clean: Classifier) -> None:
    labels = np.arange(4)

    short, long = (_margins(clean, labels, restarts=2, steps=steps, seed=0) for steps in (5, 20))

    assert (long >= short).all()


def test_a_class_that_no_picture_is_taken_for_is_censored() -> None:
    assert [0.5, np.inf, np.inf] == list(_sizes(np.array([2.0, 0.0, -3.0])))


def test_a_network_that_always_says_the_same_is_not_blamed(dead: Classifier) -> None:
    evidence = MaximumMargin(steps=3).run(context(dead))

    assert 0.0 == pytest.approx(evidence.anomaly_index)


def test_a_network_that_gives_few_answers_is_not_compared() -> None:
    # Of a network of the zoo that was trained for a moment: it says 8 to everything.
    margins = np.array([-0.411, -0.12, -0.422, 0.06, -0.517, -0.381, -0.449, -0.423, 3.071, -0.497])

    evidence = compared("maximum-margin", "BD107", np.arange(10), 10, _sizes(margins), MARGIN_SCALE, ())

    assert 0.0 == evidence.anomaly_index
