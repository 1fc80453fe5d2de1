"""What a detector is given, with everything at its default."""

from __future__ import annotations

from functools import lru_cache

from gate.detectors.shared.contract import Context
from gate.models.classifier import Classifier
from gate.models.surrogates.pools import SurrogatePools

_bank = lru_cache(maxsize=8)(SurrogatePools)


def context(
    classifier: Classifier, seed: int = 0, *, is_full: bool = False, pools: SurrogatePools | None = None
) -> Context:
    """Return the context of a scan without data; tests that look at one network share its images."""
    return Context(
        classifier=classifier,
        pools=pools or _bank(classifier, seed),
        dataset=None,
        seed=seed,
        is_full=is_full,
        progress=lambda *told: None,
    )
