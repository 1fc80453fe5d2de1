"""No hostile file passes, each for the reason that the table states, and none of its code runs."""

from __future__ import annotations

import base64
import json
import marshal
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.triage.inspection import inspect
from gate.triage.static_rules import STATIC
from tests.corpus import parts
from tests.corpus.build import CASES
from tests.corpus.conftest import Corpus

COMMAND = Path(sys.executable).with_name("backdoor-gate")
ROOT = Path(__file__).parents[2]
LARGEST_RSS = 512 * 2**20
# Not selected in a folder: only SavedModels are, not every .pb.
UNNAMED = tuple(name for name in CASES if name.endswith(".pb") and not name.endswith("saved_model.pb"))


@pytest.fixture(scope="module")
def triaged(corpus: Corpus) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.corpus.triage", corpus.folder]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_corpus_is_large_and_every_rule_of_the_static_checks_has_its_files() -> None:
    assert len(CASES) >= 90
    assert {rule.id for rule in STATIC} <= {case.rule for case in CASES.values()}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.is_endless])
def test_every_file_is_stopped_for_its_reason(corpus: Corpus, triaged: dict[str, Any], name: str) -> None:
    case, rules = CASES[name], triaged["files"][name]["rules"]

    if case.reaches_rebuild:
        assert [] == rules
    else:
        assert case.rule in rules
        assert case.code == 1 or len(rules) == 1


def test_triage_runs_none_of_the_code_and_needs_little_memory(
    corpus: Corpus, triaged: dict[str, Any], record_testsuite_property: Callable[[str, object], None]
) -> None:
    slowest = max(triaged["files"], key=lambda name: triaged["files"][name]["seconds"])
    record_testsuite_property("slowest", f"{slowest}: {triaged['files'][slowest]['seconds']:.2f} s")
    record_testsuite_property("peak_rss", triaged["peak_rss"])

    assert triaged["peak_rss"] <= LARGEST_RSS
    assert not corpus.marker.exists()


@pytest.mark.parametrize(
    ("content", "kind"), [(parts.h5(), ModelFormat.HDF5), (parts.keras(), ModelFormat.KERAS_ZIP)]
)
def test_the_honest_network_that_they_are_made_of_is_not_stopped(
    tmp_path: Path, content: bytes, kind: ModelFormat
) -> None:
    file = tmp_path / "honest"
    file.write_bytes(content)

    assert () == inspect(file, kind).findings


@pytest.mark.parametrize(
    "run",
    [
        lambda marker: exec(marshal.loads(base64.b64decode(parts.code(marker)))),
        lambda marker: exec(marshal.loads(parts.raw_code(marker).encode("latin-1"))),
        lambda marker: pickle.loads(base64.b64decode(parts.pickled(marker))),
    ],
    ids=["base64", "raw", "pickle"],
)
def test_code_of_the_corpus_would_leave_its_marker_if_anybody_ran_it(
    tmp_path: Path, run: Callable[[Path], object]
) -> None:
    marker = tmp_path / "marker"

    run(marker)

    assert marker.exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_command_stops_every_file_and_runs_none(corpus: Corpus, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [COMMAND, "check", ".", *UNNAMED, "--jobs", "2", "--output", f"json={report}"]

    done = subprocess.run(command, cwd=corpus.folder, check=False, capture_output=True)

    assert (1, b"") == (done.returncode, done.stderr)
    entries = {entry["path"]: entry for entry in json.loads(report.read_text())["artifacts"]}
    assert set(CASES) == set(entries)
    assert [] == [name for name, case in CASES.items() if case.rule not in _rules(entries[name])]
    assert {1: "fail", 3: "incomplete"} == {
        case.code: entries[name]["verdict"] for name, case in CASES.items()
    }
    assert {"fail", "incomplete"} == {entry["verdict"] for entry in entries.values()}
    assert not corpus.marker.exists()


def _rules(entry: dict[str, Any]) -> list[str]:
    return [each["rule"] for each in entry["findings"]] or [entry["not_checked"][0].partition(":")[0]]
