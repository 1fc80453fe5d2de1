from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.models.numerics.side_by_side import Tally, side_by_side

# Everything that runs in parts, on a network that was never trained; what it finds is printed as one digest.
SCRIPT = """
import hashlib, sys
from gate.worker.scanning import start_engine
start_engine(0, side_by_side=int(sys.argv[1]))
import keras, numpy as np
from gate.detectors import create
from gate.detectors.shared.contract import Context
from gate.models.classifier import Classifier
from gate.models.prepare import PreparedModel
from gate.models.surrogates.pools import SurrogatePools
layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(6)]
classifier = Classifier(keras.Sequential([keras.Input((16, 16, 1)), *layers]))
few = {"restarts": 2, "steps": 3}
context = Context(model=PreparedModel(classifier=classifier, pools=SurrogatePools(classifier, 0)), seed=0, is_full=False, progress=print)
calls = {"neural-cleanse": few, "universal-patch": few, "maximum-margin": few, "class-permutation": few}
found = [create(detector, parameters).run(context) for detector, parameters in calls.items()]
assert all(each.status.value == "measured" for each in found)
print(hashlib.sha256(repr((found, context.pools.pool(0).images.tobytes())).encode()).hexdigest())
"""


def test_parts_come_back_in_their_order(keras: Any) -> None:
    assert [0, 1, 4, 9, 16, 25] == side_by_side(lambda part: part * part, range(6))
    assert [] == side_by_side(abs, ())


def test_the_first_part_that_fails_is_the_one_that_is_told_of(keras: Any) -> None:
    def of(part: int) -> int:
        if part % 2:
            raise ValueError(part)
        return part

    with pytest.raises(ValueError, match=r"^1$"):
        side_by_side(of, range(4))


def test_a_tally_goes_up_by_one_whoever_counts(keras: Any) -> None:
    told: list[tuple[int, int]] = []
    tally = Tally(lambda done, total: told.append((done, total)), 40)

    side_by_side(lambda _: [tally.step() for _ in range(10)], range(4))

    assert [(done, 40) for done in range(1, 41)] == told


@pytest.mark.slow
def test_what_is_measured_does_not_depend_on_how_many_threads_there_are(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    digests = [
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{SCRIPT}", str(threads)],
            env={"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for threads in (1, 3)
    ]

    assert digests[0] == digests[1]
