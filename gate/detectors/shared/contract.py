"""What a detector is, and all that it may reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, runtime_checkable

from gate.core.effort import Effort
from gate.core.evidence import CUT_SHORT, SHORT_LOOK, Evidence, Measurement, Status
from gate.core.messages import Progress
from gate.core.rule import Rule
from gate.detectors.shared.constants import real

if TYPE_CHECKING:
    from gate.models.classifier import Classifier
    from gate.models.datasets.dataset import Dataset
    from gate.models.features.activations import Representations
    from gate.models.prepare import Base, PreparedModel
    from gate.models.surrogates.pools import SurrogatePools


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The one model that a detector looks at, and what it may use.

    Attributes:
        model: The network, its input range set, with images to search on.
        seed: Of every random choice.
        is_full: Whether the profile is "full" rather than "quick".
        progress: Called with (stage, done, total, detail).
        effort: What there is time for.
        is_long: Whether to search long at once, the short look being over.
    """

    model: PreparedModel
    seed: int
    is_full: bool
    progress: Progress
    effort: Effort = Effort.WHOLE
    is_long: bool = False

    @property
    def classifier(self) -> Classifier:
        """The network."""
        return self.model.classifier

    @property
    def pools(self) -> SurrogatePools:
        """Images to search and to confirm triggers on."""
        return self.model.pools

    @property
    def base(self) -> Base:
        """The network that the model replaces."""
        return self.model.base

    @property
    def dataset(self) -> Dataset | None:
        """The user's images, if any."""
        return self.model.dataset

    @property
    def representations(self) -> Representations | None:
        """Their activations, if they are labelled."""
        return self.model.representations


class Detector(Protocol):
    """A way to look for a backdoor.

    A detector is one file of this folder; the file's name in kebab-case is its id. The file binds `DETECTOR` to a
    frozen dataclass with this shape. Its fields are the parameters that a policy may set.

    Attributes:
        RULE: Rule of its findings, with the page that explains them.
        ADDS_UP: Whether its indices of classes join the joint score: it asks which class is too easy to reach.
    """

    RULE: ClassVar[Rule]
    ADDS_UP: ClassVar[bool]

    def run(self, context: Context) -> Evidence:
        """Look at one model.

        Returns:
            Measured evidence with an anomaly index, or skipped evidence with the reason.
        """
        ...


class Passes(NamedTuple):
    """Images that go through the network there and back, at most; one that only goes there counts for a part of it.

    Attributes:
        look: Of the first, short look; of the whole search in the full profile.
        longer: Of what may follow.
    """

    look: float
    longer: float = 0.0


# There and back costs about so many times what there costs.
FORWARD = real("shared.contract.forward")


class Reach(Enum):
    """How far a search went: a short look that was enough, one that was not and had no time to go on, or all of it."""

    SHORT = "short"
    CUT = "cut"
    LONG = "long"

    def told(self, evidence: Evidence) -> Evidence:
        """Return the evidence with what this says of it."""
        if self is Reach.LONG:
            return evidence
        mark = Measurement(name=SHORT_LOOK, value=1.0)
        marked = replace(evidence, measurements=(*evidence.measurements, mark))
        return cut_short(marked) if self is Reach.CUT else marked


def cut_short(evidence: Evidence) -> Evidence:
    """Return the evidence of a short look that calls for a long search, where there is no time for it."""
    return replace(evidence, inconclusive=CUT_SHORT)


@runtime_checkable
class Searching(Detector, Protocol):
    """A detector whose time is worth planning."""

    def passes(self, context: Context) -> Passes:
        """Return what it needs at most."""
        ...


def needed(detector: Detector, context: Context) -> Passes:
    """Return what a detector needs at most; nothing where it searches nothing, or its parameters make no search, as its run then says."""
    try:
        return detector.passes(context) if isinstance(detector, Searching) else Passes(0.0)
    except ValueError:
        return Passes(0.0)


def skipped(detector: str, rule: str, reason: str) -> Evidence:
    """Return the evidence of a detector that could not look."""
    return Evidence(detector=detector, rule=rule, status=Status.SKIPPED, reason=reason)
