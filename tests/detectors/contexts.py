"""What a detector is given, with everything at its default."""

from __future__ import annotations

from gate.detectors._contract import Context
from gate.models.classifier import Classifier
from gate.models.surrogates.bank import Bank


def context(
    classifier: Classifier, seed: int = 0, *, is_full: bool = False, bank: Bank | None = None
) -> Context:
    """Return the context of a scan without data."""
    return Context(
        classifier=classifier,
        bank=bank or Bank(classifier, seed),
        dataset=None,
        seed=seed,
        is_full=is_full,
        progress=lambda *told: None,
    )
