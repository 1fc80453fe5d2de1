from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.errors import DataError, IncompleteError
from gate.core.job import DataCall, Job, Role
from gate.core.report import ModelFacts
from gate.core.training_loss import TrainingLoss
from gate.models import prepare as subjects
from gate.models.calibrate_input.logit_scale import SUREST, pictures, usual_lead
from gate.models.loading import load
from gate.models.prepare import PreparedModel
from gate.triage.stored import read
from tests.jobs import keras_job


def prepare(job: Job, keras_version: str, loss: str = "") -> PreparedModel:
    """Open the job's model as the worker does, with the configuration that triage read."""
    config = read(Path(job.file), job.artifact.format).config
    network = load(Path(job.file), job.artifact.format, config, keras_version)
    return subjects.prepare(job, network, keras_version, TrainingLoss(loss))


@pytest.fixture
def job(linear_network: Callable[..., Any], tmp_path: Path) -> Job:
    file = tmp_path / "model.keras"
    linear_network().save(file)
    return keras_job(file)


def test_the_facts_tell_what_was_found_out(job: Job) -> None:
    facts = prepare(job, "3.15.1").facts()

    assert facts == ModelFacts(
        input_shape=(12, 12, 1),
        num_classes=4,
        parameters=580,
        head="softmax",
        input_range=(0.0, 1.0),
        input_range_source="inferred from the network's answers",
        images="class impressions of noise",
        keras_version="3.15.1",
    )


def test_a_stated_range_is_taken_as_it_is(job: Job) -> None:
    stated = dataclasses.replace(job, input_range=(-1.0, 1.0), input_range_source="option")

    subject = prepare(stated, "")

    assert (-1.0, 1.0, "option", True) == dataclasses.astuple(subject.input_range)
    assert (-1.0, 1.0) == (subject.classifier.low, subject.classifier.high)


def test_a_network_that_is_too_sure_is_tempered_where_it_is_searched(
    linear_network: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "hot.keras"
    linear_network(1e6).save(file)
    stated = dataclasses.replace(keras_job(file), input_range=(0.0, 0.5), input_range_source="option")

    subject = prepare(stated, "")

    assert SUREST == pytest.approx(usual_lead(subject.classifier, pictures(subject.classifier, 0)), rel=1e-5)


def test_the_users_images_are_read_in_the_settled_range(job: Job, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (5, 12, 12, 1))
    np.savez(tmp_path / "data.npz", x_train=images, y_train=np.arange(5) % 4)
    data = DataCall(path=str(tmp_path / "data.npz"), role=Role.CLEAN)
    asked = dataclasses.replace(job, input_range=(-1.0, 1.0), input_range_source="policy", data=data)

    subject = prepare(asked, "")

    assert subject.dataset is not None
    np.testing.assert_allclose((images + 1) / 2, subject.dataset.images[np.arange(5)], atol=1e-6)
    assert subject.representations is not None
    assert (1, 1, 1, 2) == subject.representations.class_sizes
    assert f"clean images of {tmp_path / 'data.npz'}" == subject.facts().images


def test_a_data_set_that_does_not_fit_stops_the_scan(job: Job) -> None:
    with pytest.raises(DataError, match="no such file"):
        prepare(dataclasses.replace(job, data=DataCall(path="absent", role=Role.CLEAN)), "")


def test_the_loss_decides_whether_a_linear_head_is_a_regression(keras: Any, job: Job, tmp_path: Path) -> None:
    keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(job.file)

    with pytest.raises(IncompleteError, match="a regression"):
        prepare(job, "", "mse")
