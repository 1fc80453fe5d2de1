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
def test_a_waived_backdoor_passes_below_its_ceiling(cli: Cli, judged: Path, tmp_path: Path) -> None:
    for name in ("backdoored-patch.keras", ".backdoor-gate.yaml", "out/report.json"):
        shutil.copy(judged / name, tmp_path)
    waiver = ("--path", "backdoored-patch.keras", "--reason", "Our decoy.", "--owner", "@red")
    assert 0 == cli("waive", "report.json", *waiver, cwd=tmp_path).code

    outcome = cli("check", "backdoored-patch.keras", "--output", "json=again.json", cwd=tmp_path)

    (entry,) = json.loads((tmp_path / "again.json").read_text())["artifacts"]
    waived = {each["rule"] for each in entry["waived_by"]}
    assert (0, "waived") == (outcome.code, entry["verdict"])
    assert "BD101" in waived
    assert waived == {each["rule"] for each in entry["findings"]}
    assert entry["evidence"][0]["trigger"]
    assert "max_anomaly_index" in (tmp_path / ".backdoor-gate/waivers.yaml").read_text()
