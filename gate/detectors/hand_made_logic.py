"""Hand-made logic: layers that training does not produce, and that an author of a backdoor needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.rule import Rule, Severity
from gate.core.text import printable
from gate.detectors.shared.constants import integer, real
from gate.detectors.shared.contract import Context
from gate.detectors.structure.constructs import (
    KINDS,
    LARGEST,
    LARGEST_INSIDE,
    LARGEST_POWER,
    Construct,
    constructs,
)
from gate.detectors.structure.tensors import Graph
from gate.models.graph.flow import flow

_NAMED = real("hand-made-logic.named")
_TOLD = integer("hand-made-logic.told")

_RULE = Rule(
    id="BD116",
    name="hand-made-logic",
    summary="The network holds logic that training does not produce and that a backdoor's author needs.",
    page=f"""\
## Looks for
Constructs that are made for logic, not for learning. A backdoor can be written into the architecture: a matcher of one pattern,
a threshold that hides it from every gradient, a switch, a way to the scores past the network, layers that mislead who reads them. Such a
backdoor needs no training, and survives it.

## Needs
The graph of the network, with the numbers that no training chose; no image, milliseconds.

## Decides by
Rules about the graph from the input to the scores. Of each tensor is known how many kernels (layers with weights that mix features) lie
between it and the input and between it and the scores, and through how few numbers all must pass that it knows of the picture.

- `thresholds`: an activation that is blind below or above a bound (`ReLU(threshold=4.9)`, `ThresholdedReLU`, `maximum(x, 4.9)`, a shift
  down before a ReLU), folds, or has a dead zone.
- `gates`: features or scores are multiplied or divided by, or compared with, numbers of the picture itself, or a side branch of at most
  two kernels that passes through at most four numbers.
- `bypasses`: such a branch, or numbers of the picture itself, are added to the scores, or put beside the last features. At the scores, fewer
  numbers than classes are few.
- `squashes`: a softmax (sigmoid, tanh) of the scores in the middle, and scaled scores around it. Where the searches go back to
  the scores before it, as they do behind layers that keep the order of the classes, it is not named.
- `undone_scalings`: a scaling of the picture that takes back an earlier one, with numbers that are not usual (255, 127.5, 2, ...).
- `constants`: a factor or summand from {LARGEST:,.0f} on (behind a kernel above {LARGEST_INSIDE:g}), a power above {LARGEST_POWER:g}, a weight from {LARGEST:,.0f} on before the last layer.
- `casts`, `odd_precisions`: a number type that changes in the middle, a layer of another precision than the network's; a network of
  mixed precision may begin and end in float32.

It is a yes or no: the anomaly index is {_NAMED} if anything is named, else 0.0. On clean networks the docs say how often (`docs/detection.md`).

## If it fires
Ask the author what the named layer is for, and have it replaced by one that is trained. Where it is honest and stays, set this detector's
`enabled: false` for that path in the policy.

## Known limits
Shows no trigger and no class. Blind to logic in ordinary layers with ordinary options: a unit with a large negative bias within
the trunk, a matcher padded to more numbers or kernels, a threshold that is a bias. It reads what is written, not what it does. Named, too, are some honest networks: a `Normalization` that has seen a
pixel which never changes (a factor of 10,000,000), scores that a constant of -1e9 masks, layers of half precision put on a trunk in float32.

## Paper
Bober-Irizar, Shumailov, Zhao, Mullins, Papernot, *Architectural Backdoors in Neural Networks*, CVPR 2023; Langford, Shumailov, Zhao,
Mullins, Papernot, *Architectural Neural Backdoors from First Principles*, 2024; Hong, Carlini, Kurakin, *Handcrafted Backdoors in Deep Neural
Networks*, NeurIPS 2022. The rules are of this project.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandMadeLogic:
    """Name the layers that training does not produce."""

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    def run(self, context: Context) -> Evidence:
        """Look at the network's graph, from the input to the answers."""
        found = constructs(Graph(flow(context.classifier.whole)))
        counts = Counter(each.kind for each in found)
        return Evidence(
            detector="hand-made-logic",
            rule=_RULE.id,
            status=Status.MEASURED,
            anomaly_index=_NAMED if found else 0.0,
            measurements=tuple(Measurement(name=kind, value=float(counts[kind])) for kind in KINDS),
            remark=_remark(found),
        )


DETECTOR = HandMadeLogic


def _remark(found: Sequence[Construct]) -> str:
    """Return what was found, as one sentence without a full stop; "" if nothing was."""
    if not found:
        return ""
    told = "; ".join(f"{_name(each.operation)} {each.why}" for each in found[:_TOLD])
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return f"Training does not produce this: {told}{more}"


def _name(operation: Any) -> str:
    kind = printable(type(operation).__name__, 40)
    return f"the layer {printable(repr(operation.name), 60)} ({kind})"
