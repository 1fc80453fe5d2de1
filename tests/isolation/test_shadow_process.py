"""A training child that does anything but its duty leaves no meta-model; real processes play it here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.core.errors import IncompleteError
from gate.core.meta_training import Shadow, ShadowJob
from gate.detectors.meta.model import MetaModel
from gate.isolation import meta_training
from tests.jobs import job_of

JOB = ShadowJob(
    job=job_of(profile="full"),
    shadows=4,
    epochs=1,
    images=16,
)
PREAMBLE = """
import json, sys
job = json.loads(sys.stdin.read())
meta = {"version": 1, "architecture": "", "networks": 4, "auc": 0.5, "features": ["a"], "centre": [0.0],
        "spread": [1.0], "weights": [1.0], "bias": 0.0, "usual": 0.0, "limit": 1.0}
shadow = {"number": 1, "accuracy": 0.5, "success": 1.0, "names": ["a"], "features": [2.0]}
def send(**message):
    print(json.dumps(message), flush=True)
"""

Run = Callable[[str], tuple[MetaModel, list[object]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def start(script: str) -> tuple[MetaModel, list[object]]:
        file, told = tmp_path / "child.py", []
        file.write_text(PREAMBLE + script)
        monkeypatch.setattr(meta_training, "_SCRIPT", file)
        found = meta_training.run(JOB, os.environ, tmp_path, lambda *each: told.append(each), told.append)
        return found, told

    return start


def test_shadows_are_kept_as_they_come_and_the_last_word_is_the_meta_model(run: Run) -> None:
    found, told = run(
        'send(progress=["training shadows", 1, 4, ""])\nsend(shadow=shadow)\nsend(nonce="n0nce", meta=meta)'
    )

    shadow = Shadow(number=1, accuracy=0.5, success=1.0, names=("a",), features=(2.0,))
    assert ("a",) == found.features
    assert [("training shadows", 1, 4, ""), shadow] == told


def test_what_the_child_says_is_wrong_is_told(run: Run) -> None:
    with pytest.raises(IncompleteError, match=r"x\.npz: expected labels") as caught:
        run('send(nonce="n0nce", error=["x.npz: expected labels", "Give some."])')

    assert "Give some." == caught.value.hint


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('send(nonce="other", meta=meta)', "does not belong to this training"),
        ("send(shadow={})", "malformed record"),
        ('send(nonce="n0nce", meta=meta | {"limit": -1.0})', "malformed record"),
        ("print('[]')", "malformed record"),
        ("print('{\"shadow\": NaN}')", "malformed record"),
        ("", "ended without a verdict: it said nothing"),
        ('send(nonce="n0nce", meta=meta)\nsys.exit("no memory")', "ended without a verdict: no memory"),
    ],
)
def test_whatever_else_it_says_is_no_meta_model(run: Run, script: str, message: str) -> None:
    with pytest.raises(IncompleteError, match=message):
        run(script)
