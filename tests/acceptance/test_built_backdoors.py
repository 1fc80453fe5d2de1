"""No construction of tables A and B passes: Keras runs a backdoor in each of them (tests/corpus/test_constructions.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.constructions import CONSTRUCTIONS

# None of the searches is needed to stop any of these.
POLICY = """
version: 1
detectors:
  universal-patch: {enabled: false}
  class-permutation: {enabled: false}
  universal-perturbation: {enabled: false}
  neural-cleanse: {enabled: false}
  maximum-margin: {enabled: false}
  spatial-influence: {enabled: false}
  dormant-capacity: {enabled: false}
  gated-patch: {enabled: false}
"""
CHOSEN = {name: case for name, case in CONSTRUCTIONS.items() if not case.row.endswith("+")}


@pytest.mark.slow
@pytest.mark.usefixtures("keras")
def test_none_of_the_tables_rows_passes(tmp_path: Path) -> None:
    models, report = tmp_path / "models", tmp_path / "report.json"
    models.mkdir()
    files = {case.make(models).name: name for name, case in CHOSEN.items()}
    (tmp_path / "policy.yaml").write_text(POLICY)

    command = [
        sys.executable,
        "-m",
        "gate",
        "check",
        "--no-cache",
        "--policy",
        str(tmp_path / "policy.yaml"),
        "--jobs",
        "2",
    ]
    subprocess.run([*command, str(models), "--output", f"json={report}"], capture_output=True)

    told = {Path(each["path"]).name: each for each in json.loads(report.read_text())["artifacts"]}
    assert set(files) == set(told)
    assert {} == {
        files[name]: each["verdict"]
        for name, each in told.items()
        if each["verdict"] not in ("fail", "incomplete")
    }
    # Whatever stops a model says by which rule, and of what.
    assert all(each["findings"] or each["not_checked"] for each in told.values())
