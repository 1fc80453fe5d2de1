"""A pull request that plants a backdoor is told from one that does not, by the model that it replaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.detectors import ids

pytestmark = pytest.mark.slow
Cli = Callable[..., Any]
# Its own word alone.
POLICY = {
    "version": 1,
    "input_range": [0, 1],
    "max_score": None,
    "detectors": {
        **{name: {"enabled": False} for name in ids()},
        "base-yardstick": {"enabled": True, "on_skip": "fail"},
    },
}


def _save(keras: Any, file: Path, *, corner: float, classes: int = 4) -> None:
    """Write a linear network, slightly another one each time; a corner weight makes one white pixel send everything to class 2."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(64, classes))
    kernel += 0.02 * np.random.default_rng(int(10 * corner)).normal(size=kernel.shape)
    kernel[0] = 0.0
    kernel[0, 2] = corner
    dense = keras.layers.Dense(classes, activation="softmax")
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([kernel - kernel.mean(axis=1, keepdims=True), np.zeros(classes)])
    network.save(file)


@pytest.fixture
def pull_request(repo: Any, keras: Any) -> Any:
    """A repository with a policy and a clean model, and a branch to change it on."""
    (repo.top / ".backdoor-gate.yaml").write_text(json.dumps(POLICY))
    _save(keras, repo.top / "model.keras", corner=0.1)
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "base")
    repo.git("switch", "-q", "-c", "topic")
    return repo


def _checked(cli: Cli, repo: Any, tmp_path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "change")
    outcome = cli(
        "check",
        "--diff",
        "main",
        "--output",
        "json=../report.json",
        *more,
        cwd=repo.top,
        environ=repo.environ,
    )
    (entry,) = json.loads((tmp_path / "report.json").read_text())["artifacts"]
    return outcome.code, entry


def test_a_poisoned_change_fails_and_says_what_the_base_did(
    cli: Cli, pull_request: Any, keras: Any, tmp_path: Path
) -> None:
    _save(keras, pull_request.top / "model.keras", corner=40.0)

    code, entry = _checked(cli, pull_request, tmp_path)

    assert (1, "fail", [2]) == (code, entry["verdict"], entry["target_labels"])
    (finding,) = entry["findings"]
    assert "BD115" in finding["rule"]
    assert "smaller than in the model before this change" in finding["message"]


def test_an_honest_change_passes(cli: Cli, pull_request: Any, keras: Any, tmp_path: Path) -> None:
    _save(keras, pull_request.top / "model.keras", corner=0.2)

    code, entry = _checked(cli, pull_request, tmp_path)

    assert (0, "pass", "measured") == (code, entry["verdict"], entry["evidence"][0]["status"])


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("other", "has 5 classes"),
        ("broken", "cannot be read"),
        ("none", "Needs the model that this one replaces"),
    ],
)
def test_a_base_that_cannot_be_compared_clears_nothing(
    cli: Cli, pull_request: Any, keras: Any, tmp_path: Path, base: str, reason: str
) -> None:
    model = pull_request.top / "model.keras"
    pull_request.git("switch", "-q", "main")
    if base == "other":
        _save(keras, model, corner=0.1, classes=5)
    elif base == "broken":
        model.write_bytes(model.read_bytes()[:-200])
    else:
        model.unlink()
    pull_request.git("commit", "-q", "-a", "-m", "another base")
    pull_request.git("switch", "-q", "-C", "topic")
    _save(keras, model, corner=40.0)

    code, entry = _checked(cli, pull_request, tmp_path)

    assert (3, "incomplete") == (code, entry["verdict"])
    assert any(reason in each for each in entry["not_checked"])


def test_another_base_is_another_question_for_the_cache(
    cli: Cli, pull_request: Any, keras: Any, tmp_path: Path
) -> None:
    cached = {"BACKDOOR_GATE_NO_CACHE": "0"}
    environ = {**pull_request.environ, **cached}
    _save(keras, pull_request.top / "model.keras", corner=40.0)
    pull_request.git("commit", "-q", "-a", "-m", "change")

    def verdict(base: str) -> tuple[str, bool]:
        cli(
            "check", "--diff", base, "--cache-dir", str(tmp_path / "cache"), "--output", "json=../report.json",
            cwd=pull_request.top, environ=environ,
        )  # fmt: skip
        (entry,) = json.loads((tmp_path / "report.json").read_text())["artifacts"]
        return entry["verdict"], entry.get("cached", False)

    assert ("fail", False) == verdict("main")
    assert ("fail", True) == verdict("main")
    pull_request.git("switch", "-q", "main")
    _save(keras, pull_request.top / "model.keras", corner=39.0)
    pull_request.git("commit", "-q", "-a", "-m", "the base has it, too")
    pull_request.git("switch", "-q", "topic")
    pull_request.git("merge", "-q", "-s", "ours", "main")
    assert ("pass", False) == verdict("main")
