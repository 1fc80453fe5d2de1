"""A meta-model: a linear judge of what networks answer, as a small JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import numpy as np

from gate.core.codec import from_plain, to_plain
from gate.core.errors import UsageError
from gate.core.scale import LARGEST_INDEX, LIMIT
from gate.core.text import printable
from gate.detectors.shared.constants import real
from gate.models.numerics.arrays import Floats

VERSION = 1
LARGEST_FILE = 1024 * 1024
FURTHEST = real("meta.model.furthest")
_HINT = "Make one with: backdoor-gate meta train MODEL --data IMAGES --out FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaModel:
    """What tells the answers of backdoored networks from those of clean ones.

    Attributes:
        version: Of this format and of the questions.
        architecture: Digest of the architecture that it was made for; "" for any.
        networks: How many it was made of.
        auc: On networks that it did not know when it judged them, 0..1.
        features: Names, in order.
        centre: Mean of each feature over clean networks.
        spread: Standard deviation of each over clean networks, > 0.
        weights: Of each standardised feature, >= 0.
        bias: Added to the weighted sum.
        usual: Sum of the median clean network.
        limit: Sum that few clean networks exceed; above `usual`.
    """

    version: int
    architecture: str
    networks: int
    auc: float
    features: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    usual: float
    limit: float

    def __post_init__(self) -> None:
        counts = {len(each) for each in (self.features, self.centre, self.spread, self.weights)}
        numbers = (*self.centre, *self.spread, *self.weights, self.bias, self.usual, self.limit, self.auc)
        if self.version != VERSION:
            raise ValueError(f"expected version {VERSION}, received {self.version}")
        if len(counts) != 1 or not np.isfinite(numbers).all():
            raise ValueError("expected one finite centre, spread and weight for each feature")
        if min(self.spread, default=0.0) <= 0 or self.limit <= self.usual:
            raise ValueError("expected spreads above 0, and a limit above what is usual")

    def total(self, features: Floats) -> float:
        """Return the weighted sum of a network's features, shape ``(f,)``, in the order of `self.features`."""
        standard = np.clip((features - np.array(self.centre)) / np.array(self.spread), -FURTHEST, FURTHEST)
        return float(standard @ np.array(self.weights) + self.bias)

    def index(self, total: float) -> float:
        """Return the anomaly index of a sum, 0 or more: at the limit of the scale if it is at its own."""
        index = LIMIT * (total - self.usual) / (self.limit - self.usual)
        return float(np.clip(index, 0.0, LARGEST_INDEX))

    def dump(self) -> str:
        """Return the file's text."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True)
class MetaModelDone:
    """What a child that trained a meta-model sends at its end; it repeats the nonce of its job."""

    nonce: str
    meta: MetaModel


def parse(text: str, source: str) -> MetaModel:
    """Return the meta-model that a file's text describes.

    Args:
        text: Of the file.
        source: Its name, for the message.

    Raises:
        UsageError: It is none, or of another version.
    """
    try:
        return from_plain(MetaModel, _mapping(json.loads(text)))
    except (ValueError, TypeError, RecursionError) as error:
        reason = printable(str(error), 200)
        raise UsageError(
            f"{printable(source)}: expected a meta-model, received {reason}.", hint=_HINT
        ) from error


def _mapping(plain: object) -> object:
    """Return what a file holds, if it says that it is a meta-model; else nothing of it may be quoted."""
    keys = {field.name for field in fields(MetaModel)}
    if not isinstance(plain, dict) or set(plain) != keys:
        raise ValueError("a file with other keys")
    return plain
