"""What others would measure on the same networks; resumes.

The same Neural Cleanse from plain noise instead of the images that the gate chooses, and statistics of the last layer's weights
alone. Written to OUT/<name>.rivals.json, by a child process per network. (The paper's index on our own
searches and the maximum margin alone stand in the scan already.)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.networks import truth
from benchmarks.networks.keep import keep
from benchmarks.networks.opened import open_network
from gate.detectors.neural_cleanse import NeuralCleanse
from gate.detectors.scoring.outliers import paper_index
from gate.detectors.shared.contract import Context
from gate.models.prepare import PreparedModel
from gate.models.surrogates.pools import SurrogatePools
from gate.models.surrogates.selection import Pool, probes

if TYPE_CHECKING:
    from gate.models.classifier import Classifier

# One core each: networks are measured beside other work.
_ONE_CORE = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class NoiseBank(SurrogatePools):
    """Uniform noise in place of the images that the gate chooses; there is no second kind to look again on."""

    def __init__(self, classifier: Classifier, seed: int) -> None:
        super().__init__(classifier, seed)
        images = probes("noise", classifier.input_shape, seed)
        self._noise = Pool(images, classifier.predict(images).argmax(axis=1), "uniform noise")

    @property
    def count(self) -> int:
        """One."""
        return 1

    def pool(self, index: int) -> Pool:
        """Return the noise."""
        assert index == 0
        return self._noise

    def knowledge(self, index: int) -> float:
        """Return 1: nothing to weigh it against."""
        return 1.0


def measure(model: Path, limits: tuple[float, float]) -> dict[str, Any]:
    """Return what each of them says of one network: index, suspected classes, and seconds of computing time."""
    classifier = open_network(model, limits)
    started = time.process_time()
    noise = from_noise(classifier) | {"seconds": round(time.process_time() - started, 1)}
    return {"noise-inputs": noise, **from_head(_head(classifier))}


def from_noise(classifier: Classifier) -> dict[str, Any]:
    """Return what the gate's own search finds from noise: its index and the paper's, both of the leading class."""
    pools = NoiseBank(classifier, 0)
    context = Context(
        model=PreparedModel(classifier=classifier, pools=pools),
        seed=0,
        is_full=False,
        progress=lambda *_: None,
    )
    found = NeuralCleanse().run(context)
    return {
        "index": round(found.anomaly_index or 0.0, 3),
        "paper": round(found.paper_statistic or 0.0, 3),
        "labels": list(found.target_labels),
    }


def from_head(kernel: NDArray[np.float64]) -> dict[str, Any]:
    """Return how many robust deviations above the median the largest mean weight and the largest weight norm lie.

    Args:
        kernel: Weights of the last layer, shape ``(inputs, k)``.

    Paper: Fields et al., Trojan Signatures in DNN Weights, ICCVW 2021, for the mean; the test is the robust z.
    """
    statistics = {"head-mean": kernel.mean(axis=0), "head-norm": np.linalg.norm(kernel, axis=0)}
    # The same distance as the paper's index, from the other side: there a small mask is odd, here a large weight.
    return {
        name: {"index": round(paper_index(-values), 3), "labels": [int(values.argmax())]}
        for name, values in statistics.items()
    }


def _head(classifier: Classifier) -> NDArray[np.float64]:
    kernels = [weights for weights in classifier.network.get_weights() if weights.ndim > 1]
    last = np.asarray(kernels[-1], np.float64)
    assert last.shape[-1] == classifier.num_classes
    return last.reshape(-1, classifier.num_classes)


def main(words: Sequence[str]) -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--split", default="all", help="calibration, validation, test or all")
    parser.add_argument("--only", metavar="NAME", help="this network, in this process")
    arguments = parser.parse_args(words)
    if arguments.only:
        _write(arguments.out, arguments.only)
        return
    for truth_file in sorted(arguments.out.glob("*.truth.json")):
        recipe, _ = truth.read(truth_file)
        file = arguments.out / f"{recipe.name}.rivals.json"
        if file.exists() or arguments.split not in (recipe.split, "all"):
            continue
        _measure_apart(arguments.out, recipe.name)
        told = file.read_text(encoding="utf-8").strip() if file.exists() else "failed"
        print(f"{recipe.name}: {told}", flush=True)


def _measure_apart(out: Path, name: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "peers", str(out), "--only", name]
    subprocess.run(command, check=False, env=os.environ | _ONE_CORE)


def _write(out: Path, name: str) -> None:
    """Measure one network and write what was found, whole or not at all."""
    import keras

    keras.utils.set_random_seed(0)
    _, known = truth.read(out / f"{name}.truth.json")
    found = measure(out / f"{name}.keras", known.limits)
    keep(out / f"{name}.rivals.json", found)
