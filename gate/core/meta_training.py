"""Shadow networks: trained on purpose, half of them with a backdoor, to teach a meta-model what that looks like."""

from __future__ import annotations

from dataclasses import dataclass

from gate.core.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What one shadow network taught.

    Attributes:
        number: Its place in the series, from 0; odd ones are backdoored.
        accuracy: On images that it was not trained on, 0..1.
        success: Share of those that its trigger sends to its target; 0 for a clean one.
        names: Of the features.
        features: Of its answers, in the same order.
    """

    number: int
    accuracy: float
    success: float
    names: tuple[str, ...]
    features: tuple[float, ...]

    @property
    def is_backdoored(self) -> bool:
        """Whether it was trained with a trigger."""
        return bool(self.number % 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowJob:
    """A series of shadow networks to train.

    Attributes:
        job: The model whose architecture they have, and the images.
        shadows: How many.
        epochs: Of each training, at most.
        images: To train each of them on, at most.
        known: Those that were trained before.
    """

    job: Job
    shadows: int
    epochs: int
    images: int
    known: tuple[Shadow, ...] = ()
