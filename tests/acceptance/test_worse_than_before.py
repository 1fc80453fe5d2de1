"""A model that is more suspicious than the one that it replaces fails, though it stays below every limit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gate import detectors

Cli = Callable[..., Any]

# One detector is enough to see the rise, and no limit but that of the rise.
POLICY = """
version: 1
max_score: null
max_regression: 0.75
detectors:
  neural-cleanse: {max_anomaly_index: 9}
""" + "".join(f"  {name}: {{enabled: false}}\n" for name in detectors.ids() if name != "neural-cleanse")
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 1000\n"


@pytest.fixture
def check(cli: Cli, repo: Any, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any], list[str]]]:
    """Judge what the branch changed; return the exit code, the model's entry and the notices."""
    folders = {
        "BACKDOOR_GATE_NO_CACHE": "0",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    of_git: Mapping[str, str] = {name: text for name, text in repo.environ.items() if name.startswith("GIT_")}

    def run(*options: str) -> tuple[int, dict[str, Any], list[str]]:
        arguments = ("check", "--diff", "main", *options, "--output", f"json={tmp_path}/r.json")
        outcome = cli(*arguments, cwd=repo.top, environ=folders | of_git)
        report = json.loads((tmp_path / "r.json").read_text())
        return outcome.code, report["artifacts"][0], report["notices"]

    return run


def commit(repo: Any, **files: Path | str) -> None:
    for name, content in files.items():
        place = repo.top / name.replace("_", ".")
        shutil.copy(content, place) if isinstance(content, Path) else place.write_text(content)
    (repo.top / ".backdoor-gate.yaml").write_text(POLICY)
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "model")


@pytest.mark.slow
def test_a_rise_over_the_base_fails_and_is_explained(
    cli: Cli, check: Callable[..., tuple[int, dict[str, Any], list[str]]], repo: Any, examples: Path
) -> None:
    commit(repo, m_keras=examples / "models/clean.keras")
    repo.git("switch", "-q", "-c", "topic")
    commit(repo, m_keras=examples / "models/backdoored-patch.keras")

    code, entry, notices = check()
    again = check()
    told = cli("explain", "../r.json", cwd=repo.top).out

    (evidence,), (base,) = (
        [each for each in found if each["detector"] == "neural-cleanse" and each["anomaly_index"] is not None]
        for found in (entry["evidence"], entry["difference"]["base_evidence"])
    )
    after, before = entry["anomaly_index"], entry["difference"]["base_anomaly_index"]
    assert (1, ["BD191"]) == (code, [finding["rule"] for finding in entry["findings"]])
    assert evidence["anomaly_index"] - base["anomaly_index"] > 0.75
    assert f"anomaly index {after:.2f}, and {before:.2f} there" in notices[0]
    assert (code, {**entry, "cached": True}, notices) == again
    assert "A `max_regression` of " in " ".join(told.split())


def test_static_checks_compare_nothing(
    check: Callable[..., tuple[int, dict[str, Any], list[str]]], repo: Any, tiny_model: Path
) -> None:
    commit(repo, m_h5=POINTER)
    repo.git("switch", "-q", "-c", "topic")
    commit(repo, m_h5=tiny_model)

    assert 0 == check("--static")[0]


@pytest.mark.slow
def test_a_comparison_that_could_not_be_made_is_no_pass(
    check: Callable[..., tuple[int, dict[str, Any], list[str]]], repo: Any, tiny_model: Path
) -> None:
    commit(repo, m_h5=POINTER)
    repo.git("switch", "-q", "-c", "topic")
    commit(repo, m_h5=tiny_model)

    code, entry, _ = check("--input-range=0,1")

    assert 3 == code
    assert "`git lfs fetch origin BASE` brings" in entry["not_checked"][-1]
