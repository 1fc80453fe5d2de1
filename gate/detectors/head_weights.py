"""Head weights: a neuron that hears nothing but the trigger is tied to its target more strongly than honest neurons are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.scoring.calibration import HEAD_SCALE
from gate.detectors.scoring.sizes import compared
from gate.detectors.shared.constants import integers
from gate.detectors.shared.contract import Context, skipped

_NORM, _TOLD = integers("head-weights", "norm", "told")
# Of the largest weight: how large all of them are says nothing.
_SMALLEST = 1e-6

_RULE = Rule(
    id="BD108",
    name="anomalous-head-weights",
    summary="One class is tied to a few neurons far more strongly than the others are.",
    page=f"""\
## Looks for
The largest positive weights of each class in the last layer. Honest neurons share the work; a neuron that answers to
the trigger alone must outvote them all, be it trained or written into the file by hand.

## Needs
Nothing but the weights: no image, no gradient, milliseconds.

## Decides by
The {_NORM}-norm of each class's positive weights, a soft maximum. The anomaly index: how far the largest one's logarithm lies
above the median class, against the spread of clean models, scaled so that at most 1 % of clean models exceed {LIMIT} for
their number of classes; where three classes stand out it is lowered. The weights of one sigmoid unit are shared evenly: what speaks for
the one class speaks against the other.

## If it fires
See what the other detectors say of the same class, and which layers changed since the last version of the model. Alone
it can be a class with far more training images than the others, or a layer that was edited for an innocent reason.

## Known limits
Shows no trigger. Blind where the backdoor shares its neurons with honest classes, as larger networks let it, and to
all-to-all backdoors. Who writes weights by hand can also spread them over many neurons.

## Paper
Fields, Samragh, Javaheripi, Koushanfar, Javidi, *Trojan Signatures in DNN Weights*, ICCV Workshops 2021 (their outlier
test on the mean weight; the {_NORM}-norm told more on public backdoored networks).
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadWeights:
    """Compare how strongly each class is tied to single neurons."""

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = True

    def run(self, context: Context) -> Evidence:
        """Look at the last layer's weights; skipped where that layer has no column per class."""
        kernel, _ = context.classifier.head_weights()
        num_classes = context.classifier.num_classes
        if kernel.shape[1] != num_classes:
            return skipped(
                "head-weights",
                _RULE.id,
                f"The last layer has {kernel.shape[1]} columns for {num_classes} classes.",
            )
        ties = soft_maximum(kernel)
        sizes = 1.0 / np.maximum(ties, _floor(kernel))  # the statistics look for small sizes
        told = tuple(
            Measurement(name="tie", value=float(ties[i]), label=int(i)) for i in np.argsort(sizes)[:_TOLD]
        )
        return compared(
            "head-weights", _RULE.id, np.arange(num_classes), num_classes, sizes, HEAD_SCALE, told
        )


DETECTOR = HeadWeights


def soft_maximum(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a high norm of the positive weights of each class, shape ``(k,)``, of a kernel ``(d, k)``."""
    largest = np.maximum(kernel.max(axis=0), _floor(kernel))
    norms: NDArray[np.float64] = largest * (np.maximum(kernel / largest, 0.0) ** _NORM).sum(axis=0) ** (
        1 / _NORM
    )
    return norms


def _floor(kernel: NDArray[np.float64]) -> float:
    return _SMALLEST * (float(np.abs(kernel).max()) or 1.0)
