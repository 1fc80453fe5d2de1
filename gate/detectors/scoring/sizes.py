"""Evidence of a detector that compares one number of each class, without a trigger to show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status, searched
from gate.detectors.scoring.calibration import ENOUGH, Scale, class_indices, standing_out
from gate.detectors.scoring.combination import class_measurements
from gate.detectors.scoring.outliers import log_gap, spread_below


def compared(
    detector: str,
    rule: str,
    labels: NDArray[np.int64],
    num_classes: int,
    sizes: NDArray[np.float64],
    scale: Scale,
    own: tuple[Measurement, ...],
) -> Evidence:
    """Return the evidence of classes of which a backdoor's target has the smallest size.

    Where hardly a class has any, nothing is compared: that the network gives a few answers only, Neural Cleanse says.

    Args:
        detector: Its id.
        rule: Id of its rule.
        labels: The classes, shape ``(k,)``.
        num_classes: Of the network, k or more.
        sizes: Of each, shape ``(k,)``; infinite where nothing was found.
        scale: What is usual for clean networks.
        own: What the detector tells beside.
    """
    leader = int(np.argmin(sizes))
    is_any = np.isfinite(sizes[leader])
    gap, spread = (log_gap(sizes, leader), spread_below(sizes, leader)) if is_any else (0.0, 0.0)
    is_enough = np.isfinite(sizes).mean() >= ENOUGH
    indices = class_indices(sizes, scale) if is_enough else np.zeros(len(sizes))
    return Evidence(
        detector=detector,
        rule=rule,
        status=Status.MEASURED,
        anomaly_index=standing_out(indices, num_classes),
        target_labels=(int(labels[leader]),),
        measurements=(
            searched(len(labels)),
            Measurement(name="log_ratio", value=gap),
            Measurement(name="spread", value=spread),
            *class_measurements(labels, indices),
            *own,
        ),
    )
