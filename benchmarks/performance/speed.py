"""How long Neural Cleanse takes: ours, and IBM ART's on the same model and machine, in the same run.

ART's `KerasNeuralCleanse` with its defaults makes 1,000 steps for each class, and its early stop cannot fire (its cost
never rises, so both flags are never set). A few steps are timed and extrapolated; the table says so.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.performance.profile import opened, table
from gate import detectors

if TYPE_CHECKING:
    from gate.detectors.shared.contract import Context

_EXAMPLE = Path(__file__).parents[2] / "examples" / "models" / "clean.keras"
_ART_STEPS = 1000
_TIMED_STEPS = 3
_IMAGES = 256
# They look at a training set, or at a meta-model that somebody made.
_NEED_DATA = {"activation-clustering", "meta-neural-analysis", "spectral-signatures", "strip"}


def ours(context: Context) -> float:
    """Return the seconds that our quick mode works, images and all."""
    from gate.detectors import create
    from gate.models.surrogates.pools import SurrogatePools

    started = time.perf_counter()
    pools = SurrogatePools(context.classifier, context.seed)
    create("neural-cleanse", {}).run(replace(context, model=replace(context.model, pools=pools)))
    return time.perf_counter() - started


def art(model: Path, span: tuple[float, float]) -> float:
    """Return the seconds that one step of ART takes for one class, on as many images as ours draws."""
    import keras
    from art.estimators.poison_mitigation import KerasNeuralCleanse

    network = keras.models.load_model(model, compile=False)
    network.compile(loss="categorical_crossentropy", optimizer="adam")
    images = np.random.default_rng(0).uniform(*span, (_IMAGES, *network.input_shape[1:])).astype(np.float32)
    target = np.eye(network.output_shape[1], dtype=np.float32)[0]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cleanse = KerasNeuralCleanse(network, clip_values=span, steps=1)
        cleanse.generate_backdoor(images, np.tile(target, (_IMAGES, 1)), target)  # warm up
        cleanse.steps = _TIMED_STEPS
        started = time.perf_counter()
        cleanse.generate_backdoor(images, np.tile(target, (_IMAGES, 1)), target)
    return (time.perf_counter() - started) / _TIMED_STEPS


def print_tables(model: Path, span: tuple[float, float] | None) -> None:
    """Profile the whole quick scan, time Neural Cleanse beside ART's, and print Markdown."""
    from gate.worker.scanning import start_engine

    start_engine(0)
    context = opened(model, span)
    for line in table(context, tuple(sorted(set(detectors.ids()) - _NEED_DATA))):
        print(line, flush=True)
    seconds, classes = ours(context), context.classifier.num_classes
    print(f"\n| Neural Cleanse on {model.name} | seconds for all classes | ratio |\n|---|---:|---:|")
    print(f"| backdoor-gate, quick (measured) | {seconds:.1f} | 1 |", flush=True)
    try:
        per_step = art(model, (context.classifier.low, context.classifier.high))
    except ImportError as error:
        print(
            f"| IBM ART: not installed ({error.name}); pip install adversarial-robustness-toolbox | - | - |"
        )
        return
    total = per_step * _ART_STEPS * classes
    print(
        f"| IBM ART, its defaults, {_IMAGES} images (extrapolated from {_TIMED_STEPS} steps of {per_step:.2f} s) "
        f"| {total:,.0f} | {total / seconds:,.0f} |"
    )


def main(words: Sequence[str]) -> None:
    """Time the network that was asked for, or an example."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=_EXAMPLE, metavar="MODEL")
    parser.add_argument("span", nargs="?", metavar="LOW,HIGH", help="its input range; found if not given")
    arguments = parser.parse_args(words)
    span = tuple(map(float, arguments.span.split(","))) if arguments.span else None
    print_tables(arguments.model, span)  # type: ignore[arg-type]
