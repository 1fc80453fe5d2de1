"""What a detector is given, with everything at its default."""

from __future__ import annotations

from functools import lru_cache

from gate.detectors.shared.contract import Context
from gate.models.classifier import Classifier
from gate.models.prepare import PreparedModel
from gate.models.surrogates.pools import SurrogatePools

_pools = lru_cache(maxsize=8)(SurrogatePools)


def context(
    classifier: Classifier, seed: int = 0, *, is_full: bool = False, pools: SurrogatePools | None = None
) -> Context:
    """Return the context of a scan without data; tests that look at one network share its images."""
    return Context(
        model=PreparedModel(classifier=classifier, pools=pools or _pools(classifier, seed)),
        seed=seed,
        is_full=is_full,
        progress=lambda *told: None,
    )
