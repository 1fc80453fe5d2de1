from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gate.core.errors import UsageError
from gate.core.evidence import Status
from gate.detectors.meta.features import describe
from gate.detectors.meta.model import MetaModel, parse
from gate.detectors.meta.responses import ask
from gate.detectors.meta_neural_analysis import TABLE, MetaNeuralAnalysis
from gate.detectors.shared.contract import Context
from gate.models.classifier import Classifier
from gate.models.prepare import PreparedModel
from gate.models.surrogates.pools import SurrogatePools


def context(classifier: Classifier) -> Context:
    return Context(
        model=PreparedModel(classifier=classifier, pools=SurrogatePools(classifier, 0)),
        seed=0,
        is_full=False,
        progress=lambda *told: None,
    )


def judge(**changes: object) -> MetaModel:
    """Return a meta-model that looks at one feature."""
    meta = MetaModel(
        version=1,
        architecture="",
        networks=8,
        auc=0.9,
        features=("square_push_lead",),
        centre=(0.0,),
        spread=(0.25,),
        weights=(1.0,),
        bias=0.0,
        usual=0.0,
        limit=1.0,
    )
    return dataclasses.replace(meta, **changes)  # type: ignore[arg-type]


def test_the_one_that_comes_with_the_gate_judges_any_network(clean: Classifier) -> None:
    evidence = MetaNeuralAnalysis().run(context(clean))

    assert Status.MEASURED is evidence.status
    assert evidence.paper_statistic is not None


def test_the_one_that_comes_with_the_gate_is_of_this_version(clean: Classifier) -> None:
    meta = parse(TABLE.read_text(), "")

    assert tuple(describe(ask(clean))) == meta.features
    assert "" == meta.architecture


@pytest.mark.parametrize(("is_pooled", "status"), [(False, Status.MEASURED), (True, Status.SKIPPED)])
def test_one_output_unit_is_judged_where_its_layer_can_be_shared(
    keras: Any, is_pooled: bool, status: Status
) -> None:
    layers = keras.layers
    pooled = (layers.Conv2D(1, 3), layers.GlobalAveragePooling2D(), layers.Activation("sigmoid"))
    head = pooled if is_pooled else (layers.Flatten(), layers.Dense(1, "sigmoid"))
    classifier = Classifier(keras.Sequential([keras.Input((8, 8, 1)), *head]))

    evidence = MetaNeuralAnalysis().run(context(classifier))

    assert status is evidence.status
    assert ("The last layer has one column for 2 classes." if is_pooled else "") == evidence.reason


def test_a_planted_backdoor_is_blamed_by_a_judge_that_knows_it(
    clean: Classifier, backdoored: Classifier
) -> None:
    detector = MetaNeuralAnalysis(model=judge(architecture=clean.architecture()).dump())

    blamed, cleared = (detector.run(context(each)) for each in (backdoored, clean))

    assert (2,) == blamed.target_labels
    assert (blamed.anomaly_index or 0.0) > 2.0 > (cleared.anomaly_index or 0.0)
    assert 8.0 == next(each.value for each in blamed.measurements if each.name == "networks_judged_by")


def test_a_judge_of_another_architecture_is_not_asked(clean: Classifier) -> None:
    evidence = MetaNeuralAnalysis(model=judge(architecture="0123456789abcdef").dump()).run(context(clean))

    assert Status.SKIPPED is evidence.status
    assert "another architecture" in evidence.reason


def test_a_judge_that_asks_for_what_is_not_measured_is_not_asked(clean: Classifier) -> None:
    evidence = MetaNeuralAnalysis(model=judge(features=("mood",)).dump()).run(context(clean))

    assert Status.SKIPPED is evidence.status
    assert "train it anew" in evidence.reason


def test_rubbish_is_refused(clean: Classifier) -> None:
    with pytest.raises(UsageError):
        MetaNeuralAnalysis(model="{}").run(context(clean))
