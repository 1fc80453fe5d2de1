"""Does one class owe more to one place of the picture than any class owes to any other? What a whole window does there says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Measurement
from gate.detectors.inversion.confirmation import DECOYS, MOVED
from gate.detectors.inversion.examination import SUSPICIOUS
from gate.detectors.inversion.patch_scan import PatchScan
from gate.detectors.scoring.calibration import FEW, beside_another, index_of_place_lead
from gate.detectors.scoring.outliers import location_lead, place_lead_of
from gate.detectors.shared.constants import integer, reals

_UNHEARD_OF, _BY_FAR, _IN_QUESTION = reals("inversion.location-lead", "unheard-of", "by-far", "in-question")
_FEWEST = integer("inversion.location-lead.fewest")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationLead:
    """The class that owes most to one place.

    Attributes:
        label: The class.
        size: By how much it stands out, see `outliers.location_lead`.
        num_classes: That were compared.
        elsewhere: The same on another kind of images, negative if others lead there; None if that was not asked.
    """

    label: int
    size: float
    num_classes: int
    elsewhere: float | None = None

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """For the report."""
        first = Measurement(name="place_lead", value=self.size, label=self.label)
        if self.elsewhere is None:
            return (first,)
        return first, Measurement(name="place_lead_on_other_images", value=self.elsewhere, label=self.label)

    @property
    def index(self) -> float:
        """Anomaly index, before anything is known of the class's patch."""
        return index_of_place_lead(self._held, self.num_classes)

    @property
    def _held(self) -> float:
        """As much of the lead as holds on all images that were asked."""
        return self.size if self.elsewhere is None else max(0.0, min(self.size, self.elsewhere))

    def is_in_question(self, label: int, index: float) -> bool:
        """Return whether the verdict may turn on this lead, so that it is worth a look on other images: of few classes it counts little.

        Args:
            label: The class with the smallest patch.
            index: Anomaly index of that class.
        """
        if self.num_classes < FEW:
            return False
        is_same = label == self.label and math.hypot(index, self.index) >= _IN_QUESTION
        return is_same or self.overrules(index)

    def beside(self, found: PatchScan) -> LocationLead:
        """Return this lead with what a survey of the same classes on another kind of images says of it."""
        column = int(np.searchsorted(found.labels, self.label))
        return replace(self, elsewhere=place_lead_of(found.margins, column))

    @property
    def is_worth_a_look(self) -> bool:
        """Whether a clean network seldom has such a lead, on all images that were asked."""
        return self.index >= SUSPICIOUS

    def overrules(self, index: float) -> bool:
        """Return whether this class is the one to look at, whatever the class with the smallest patch.

        Args:
            index: Anomaly index of that class.
        """
        return self.index >= max(_UNHEARD_OF, _BY_FAR * index)

    def weighed(
        self, indices: NDArray[np.float64], leader: int, label: int, success: Mapping[str, float]
    ) -> NDArray[np.float64]:
        """Return the anomaly indices of the classes by their patches' sizes in view of this lead.

        Args:
            indices: Of each class, shape ``(k,)``.
            leader: Position of the class that was looked at.
            label: That class.
            success: What is known of its patch, see `confirmation.confirm`.
        """
        if label != self.label:
            return beside_another(indices, self.num_classes) if self.is_worth_a_look else indices
        # At the size of a patch that is not the smallest, that of the class with the smallest does well: it says nothing. Nor is it
        # asked where other images have their say.
        is_asked = self.elsewhere is None and indices[leader] >= indices.max()
        decoys = success.get(DECOYS, 0.0) if is_asked else 0.0
        index = index_of_place_lead(self._held, self.num_classes, decoys, success.get(MOVED, 0.0))
        raised = indices.copy()
        raised[leader] = np.hypot(indices[leader], index)
        return raised


def leading(found: PatchScan, num_classes: int) -> LocationLead | None:
    """Return the class that owes most to one place; None if there are two only, or not all were tried."""
    if not _FEWEST <= num_classes == len(found.labels):
        return None
    size, position = location_lead(found.margins)
    return LocationLead(label=int(found.labels[position]), size=size, num_classes=num_classes)
