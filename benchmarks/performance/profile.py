"""Where the seconds of a quick scan go: passes through the network, and what is no pass.

A pass is one image through the network, forward or there and back. How fast this machine makes them alone, in batches, says what
share of a detector's seconds they are; the rest is Python, graphs in the making and batches that are small.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context
    from gate.models.classifier import Classifier

_BATCH, _ROUNDS, _SIDE = 128, 5, 1024


@dataclass(slots=True)
class Passes:
    """How many images went through the network, and how many of them came back."""

    forward: int = 0
    back: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One part of a scan.

    Attributes:
        name: Of the detector, or what else it is.
        forward: Images that went through the network.
        back: Those whose gradient came back.
        seconds: CPU time.
        expected: CPU time that so many passes take alone.
        floating: Floating point operations of the passes, in millions.
    """

    name: str
    forward: int
    back: int
    seconds: float
    expected: float
    floating: float


def multiplications(network: Any) -> int:
    """Return how many multiplications by a kernel one image costs, forward."""
    from gate.models.graph.flow import flow

    found = flow(network)
    return sum(
        math.prod(weight.shape) * math.prod(found.shapes[step.outputs[0]][:-1])  # type: ignore[arg-type]
        for step in found.steps
        if step.mixes
        for weight in step.operation.weights
        if len(weight.shape) > 1
    )


def counted(classifier: Classifier) -> tuple[Classifier, Passes]:
    """Return a network that counts the passes of its searches and answers."""
    passes = Passes()
    other: Any = copy.copy(classifier)
    searched, walked, asked = classifier.logits, classifier.operations, classifier.predict
    mark = _mark(passes)
    other.logits = lambda images: searched(mark(images))
    other.operations = lambda images: walked(mark(images))

    def predict(images: Any) -> Any:
        passes.forward += len(images)
        return asked(images)

    other.predict = predict
    return other, passes


def _mark(passes: Passes) -> Any:
    import tensorflow as tf

    def there(count: Any) -> Any:
        passes.forward += int(count)
        return np.int32(0)

    def back(count: Any) -> Any:
        passes.back += int(count)
        return np.int32(0)

    def told(tensor: Any, teller: Any) -> Any:
        with tf.control_dependencies([tf.numpy_function(teller, [tf.shape(tensor)[0]], tf.int32)]):
            return tf.identity(tensor)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def mark(images: Any) -> Any:
        return told(images, there), lambda gradient: told(gradient, back)

    return mark


def rates(classifier: Classifier) -> tuple[float, float]:
    """Return how many images a second of CPU time takes forward, and there and back, alone and in batches."""
    import tensorflow as tf

    def there_and_back(images: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(classifier.logits(images)[:, 0])
        return tape.gradient(total, images)

    signature = [tf.TensorSpec((None, *classifier.input_shape))]
    count = max(8, min(_BATCH, _BATCH * 32 * 32 // math.prod(classifier.input_shape[:2])))
    images = tf.constant(np.random.default_rng(0).random((count, *classifier.input_shape), np.float32))
    found = []
    for function in (classifier.logits, there_and_back):
        graph = tf.function(function, input_signature=signature, autograph=False)
        graph(images)
        started = time.process_time()
        for _ in range(_ROUNDS):
            graph(images)
        found.append(_ROUNDS * count / (time.process_time() - started))
    return found[0], found[1]


def matrix_rate() -> float:
    """Return how many billion floating point operations a second of CPU time multiplies matrices with here."""
    import tensorflow as tf

    square = tf.random.stateless_uniform((_SIDE, _SIDE), (0, 0))
    tf.matmul(square, square)
    started = time.process_time()
    for _ in range(_ROUNDS):
        tf.matmul(square, square).numpy()
    return _ROUNDS * 2 * _SIDE**3 / (time.process_time() - started) / 1e9


def profile(context: Context, detectors: tuple[str, ...]) -> Iterator[Row]:
    """Yield what each detector costs; the images that all search on come first, under a name of their own.

    Args:
        context: The model.
        detectors: Their ids.
    """
    from gate.detectors import create
    from gate.models.surrogates.pools import SurrogatePools

    forward, both = rates(context.classifier)
    network, passes = counted(context.classifier)
    pools = SurrogatePools(network, context.seed, context.dataset)
    context = replace(context, model=replace(context.model, classifier=network, pools=pools))
    each = 2e-6 * multiplications(network.network)
    parts: dict[str, Any] = {"images": lambda: pools.pool(0)}
    parts |= {name: lambda name=name: create(name, {}).run(context) for name in detectors}
    for name, part in parts.items():
        passes.forward = passes.back = 0
        started = time.process_time()
        part()
        seconds = time.process_time() - started
        alone = (passes.forward - passes.back) / forward + passes.back / both
        yield Row(
            name=name,
            forward=passes.forward,
            back=passes.back,
            seconds=seconds,
            expected=alone,
            floating=each * (passes.forward + passes.back),
        )


def opened(model: Path, span: tuple[float, float] | None) -> Context:
    """Return a model as a scan opens it; its input range is found if none is given."""
    import keras

    from gate.detectors.shared.contract import Context
    from gate.models.calibrate_input import input_range
    from gate.models.calibrate_input.logit_scale import pictures, rescale_logits
    from gate.models.classifier import Classifier
    from gate.models.prepare import PreparedModel
    from gate.models.surrogates.pools import SurrogatePools

    raw = Classifier(keras.models.load_model(model, compile=False))
    if span is None:
        known = input_range.find(raw, 0)
        span = (known.low, known.high)
    whole = raw.with_input_range(*span)
    drawn = pictures(whole, 0)
    classifier = rescale_logits(whole, drawn).with_folding(drawn)
    model_record = PreparedModel(classifier=classifier, pools=SurrogatePools(classifier, seed=0))
    return Context(model=model_record, seed=0, is_full=False, progress=lambda *_: None)


def table(context: Context, detectors: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    each = 2e-6 * multiplications(context.classifier.network)
    yield (
        f"{each:.2f} MFLOP forward, twice as much there and back; this machine multiplies matrices with {matrix_rate():.0f} GFLOP/s "
        "(one thread)."
    )
    yield ""
    yield "| part | images forward | back | CPU seconds | of which passes | GFLOP/s |"
    yield "|---|---:|---:|---:|---:|---:|"
    rows = []
    for row in profile(context, detectors):
        rows.append(row)
        yield _line(row)
    yield _line(
        Row(
            name="**all**",
            **{
                field: sum(getattr(row, field) for row in rows)
                for field in ("forward", "back", "seconds", "expected", "floating")
            },
        )
    )


def _line(row: Row) -> str:
    share = f"{100 * min(1.0, row.expected / row.seconds):.0f} %" if row.seconds >= 0.05 else "-"
    rate = f"{row.floating / row.seconds / 1e3:.1f}" if row.floating else "-"
    return f"| {row.name} | {row.forward:,} | {row.back:,} | {row.seconds:.1f} | {share} | {rate} |"
