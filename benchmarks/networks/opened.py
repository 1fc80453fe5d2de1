"""A network file as the gate sees it."""

from __future__ import annotations

from pathlib import Path

from gate.discover.kinds import kind_of
from gate.models.classifier import Classifier
from gate.models.loading import load
from gate.triage.stored import read


def open_network(model: Path, limits: tuple[float, float]) -> Classifier:
    """Return a network as the gate sees it, with its input range set."""
    kind = kind_of(model.name, model)
    stored = read(model, kind)
    network = load(model, kind, stored.config, stored.keras_version)
    return Classifier(network, stored.loss).with_input_range(*limits)
