"""What a model file claims of the loss that its model was trained with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingLoss:
    """A training loss, as the file has it. A claim, never to be trusted.

    Attributes:
        name: In snake_case; "" if the file does not say.
        from_logits: Whether it takes the output for logits, not for probabilities.
    """

    name: str = ""
    from_logits: bool = False

    def __str__(self) -> str:
        return self.name


UNKNOWN = TrainingLoss()
