"""Does one class owe more to one place of the picture than any class owes to any other? What a whole window does there says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Measurement
from gate.detectors._calibration import beside_another, index_of_place_lead
from gate.detectors._confirmation import DECOYS, MOVED
from gate.detectors._places import Survey
from gate.detectors._stats import place_lead

# Of two classes each is what the other is not.
_FEWEST = 3
# A lead that is out of the question for a clean network, and so many times as far out as the smallest patch, says which class to look at.
_UNHEARD_OF, _BY_FAR = 3.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLead:
    """The class that owes most to one place.

    Attributes:
        label: The class.
        size: By how much it stands out, see `_stats.place_lead`.
        num_classes: That were compared.
    """

    label: int
    size: float
    num_classes: int

    @property
    def measurement(self) -> Measurement:
        """For the report."""
        return Measurement(name="place_lead", value=self.size, label=self.label)

    @property
    def index(self) -> float:
        """Anomaly index, before anything is known of the class's patch."""
        return index_of_place_lead(self.size, self.num_classes)

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
            success: What is known of its patch, see `_confirmation.confirm`.
        """
        if label != self.label:
            return beside_another(indices, self.num_classes)
        # At the size of a patch that is not the smallest, that of the class with the smallest does well: it says nothing.
        decoys = success.get(DECOYS, 0.0) if indices[leader] >= indices.max() else 0.0
        index = index_of_place_lead(self.size, self.num_classes, decoys, success.get(MOVED, 0.0))
        raised = indices.copy()
        raised[leader] = np.hypot(indices[leader], index)
        return raised


def leading(found: Survey, num_classes: int) -> PlaceLead | None:
    """Return the class that owes most to one place; None if there are two only, or not all were tried."""
    if not _FEWEST <= num_classes == len(found.labels):
        return None
    size, position = place_lead(found.margins)
    return PlaceLead(label=int(found.labels[position]), size=size, num_classes=num_classes)
