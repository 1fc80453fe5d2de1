"""Maximum margin: a backdoor makes the network surer of its target than it can be of any honest class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.inversion.search import chunks
from gate.detectors.scoring.calibration import MARGIN_SCALE
from gate.detectors.scoring.sizes import compared
from gate.detectors.shared.candidates import classes_to_search, number_to_search
from gate.detectors.shared.constants import integer, reals
from gate.detectors.shared.contract import Context, Passes
from gate.models.numerics.adam import adam, first_state
from gate.models.numerics.arrays import Labels
from gate.models.numerics.compiled import compiled
from gate.models.numerics.margin import margin
from gate.models.numerics.side_by_side import side_by_side
from gate.models.surrogates.selection import probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

_RULE = Rule(
    id="BD107",
    name="anomalous-margin",
    summary="The network can be made far surer of one class than of the others.",
    page=f"""\
## Looks for
For every class, the picture that the network prefers most to all other classes. A trigger has to overrule everything
else in a picture, and training on it leaves a margin for its target that no honest class has, whatever the trigger
looks like.

## Needs
Nothing but the model.

## Decides by
The anomaly index: how far the largest margin's logarithm lies above the median class, against the spread of clean
models, scaled so that at most 1 % of clean models exceed {LIMIT} for their number of classes; where three classes
stand out it is lowered. The paper's p-value is replaced: its gamma fit blames a quarter of clean ten-class models at 5 %.

## If it fires
See what the other detectors say of the same class. Alone, it can be a class that is simply easy to tell, or one that had far
more training images; ask where the model and its training data come from.

## Known limits
Shows no trigger. Blind to all-to-all backdoors, and weak where there are few classes or the training was unbalanced.

## Paper
Wang et al., *MM-BD: Post-Training Detection of Backdoor Attacks with Arbitrary Backdoor Pattern Types Using a Maximum
Margin Statistic*, IEEE S&P 2024.
""",
    severity=Severity.HIGH,
    cwe=(506, 1039),
    atlas=("AML.T0018",),
)

_RATE, _FIRST_MARGIN = reals("maximum-margin", "rate", "first-margin")
_FULL = integer("maximum-margin.full")
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumMargin:
    """Maximise the margin of each class and compare.

    Attributes:
        restarts: Pictures per class; the best counts.
        steps: Optimiser steps; more in the full profile.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = True

    restarts: int = integer("maximum-margin.restarts")
    steps: int = integer("maximum-margin.steps")

    def run(self, context: Context) -> Evidence:
        """Search on smooth random pictures, no user's images: the margin does not depend on them."""
        labels = classes_to_search(context.classifier, context.pools.pool(0), context.seed)
        steps = self.steps * _FULL if context.is_full else self.steps
        context.progress("maximising margins", 0, 1, f"{len(labels)} classes")
        margins = _margins(context.classifier, labels, self.restarts, steps, context.seed)
        told = tuple(
            Measurement(name="maximum_margin", value=float(margin), label=int(label))
            for label, margin in zip(labels, margins, strict=True)
        )
        count = context.classifier.num_classes
        return compared("maximum-margin", _RULE.id, labels, count, _sizes(margins), MARGIN_SCALE, told)

    def passes(self, context: Context) -> Passes:
        """Return what it needs: there is no short look."""
        steps = self.steps * _FULL if context.is_full else self.steps
        return Passes(self.restarts * steps * number_to_search(context.classifier.num_classes))


DETECTOR = MaximumMargin


def _sizes(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `1 / margin`, for the statistics look for small sizes; infinite for a class that no picture was taken for."""
    return np.where(margins > 0, 1.0 / np.maximum(margins, _SMALLEST), np.inf)


def _margins(
    classifier: Classifier, labels: Labels, restarts: int, steps: int, seed: int
) -> NDArray[np.float64]:
    """Return the largest margin over the next class that was reached for each class, shape ``(k,)``."""
    import tensorflow as tf

    starts = probes("fields", classifier.input_shape, seed, restarts * len(labels))
    starts = np.clip(starts, _FIRST_MARGIN, 1 - _FIRST_MARGIN).reshape(
        len(labels), restarts, *classifier.input_shape
    )
    advance = _compiled_step(classifier)

    def reached(part: NDArray[np.int64]) -> NDArray[np.float64]:
        own_class = tf.one_hot(np.repeat(labels[part], restarts), classifier.num_classes)
        start = np.concatenate(starts[part])
        hidden = tf.constant(np.log(start) - np.log1p(-start), tf.float32)
        state = first_state(hidden)
        best = np.full(len(start), -np.inf)
        for time in range(1, steps + 1):
            margins, *state = advance(own_class, tf.constant(float(time)), *state)
            best = np.maximum(best, margins.numpy())
        largest: NDArray[np.float64] = best.reshape(-1, restarts).max(axis=1)
        return largest

    return np.concatenate(
        side_by_side(reached, chunks(np.arange(len(labels)), restarts, classifier.input_shape))
    )


def _compiled_step(classifier: Classifier) -> Any:
    import tensorflow as tf

    def advance(own_class: Any, time: Any, *state: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            tape.watch(state[0])
            logits = classifier.logits(tf.sigmoid(state[0]))
            margins = margin(logits, own_class)
            loss = -tf.reduce_sum(margins)
        return margins, *adam(state, (tape.gradient(loss, state[0]),), time, _RATE)

    pictures, margins = (
        tf.TensorSpec((None, *shape)) for shape in (classifier.input_shape, (classifier.num_classes,))
    )
    signature = (margins, tf.TensorSpec(()), *[pictures] * 3)
    return compiled(advance, *signature)
