"""A backdoored model that somebody answers for: it passes, is called waived, and the trigger stays in the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.mark.slow
def test_a_waived_backdoor_passes_below_its_ceiling(
    cli: Cli, tmp_path: Path, examples: Path, short_policy: str
) -> None:
    shutil.copy(examples / "models" / "backdoored-patch.keras", tmp_path / "m.keras")
    (tmp_path / "policy.yaml").write_text(short_policy)
    scan = ("check", "m.keras", "--policy", "policy.yaml", "--output", "json=r.json")
    assert 1 == cli(*scan, cwd=tmp_path).code
    assert 0 == cli("waive", "r.json", "--reason", "Our decoy.", "--owner", "@red", cwd=tmp_path).code

    outcome = cli(*scan, cwd=tmp_path)

    (entry,) = json.loads((tmp_path / "r.json").read_text())["artifacts"]
    waived = {each["rule"] for each in entry["waived_by"]}
    assert (0, "waived") == (outcome.code, entry["verdict"])
    assert "BD101" in waived
    assert waived == {each["rule"] for each in entry["findings"]}
    assert entry["evidence"][0]["trigger"]
    assert "max_anomaly_index" in (tmp_path / ".backdoor-gate/waivers.yaml").read_text()
