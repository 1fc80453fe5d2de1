"""What clean images would have told, where there were none or few."""

from __future__ import annotations

import math

from gate.core.report import ScanReport

# Measured: `benchmarks/results/2026-12-01-training-memory.jsonl`, working backdoors in networks with settled batch normalisation.
IMAGES, CAUGHT, WORKING = 500, 6, 12
_FEW = 100
_ASKS = "training-memory"


def remark(report: ScanReport) -> str:
    """Return what images would bring, or more of them; "" where there were enough, or nothing would ask them."""
    given = [
        entry.model.clean_images
        for entry in report.artifacts
        if entry.model is not None and any(each.detector == _ASKS for each in entry.evidence)
    ]
    if not given:
        return ""
    fewest = min(given)
    if not fewest:
        return (
            f"no clean ones given; {IMAGES} (--data DIR --data-role clean) tell what batch normalisation remembers of the "
            f"training: that gave away {CAUGHT} of {WORKING} backdoors"
        )
    if fewest < _FEW:
        less = math.sqrt(IMAGES / fewest)
        return f"{fewest} clean ones given; {IMAGES} tell their mean {less:.1f} times as exactly"
    return ""
