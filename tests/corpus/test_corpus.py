"""No hostile file passes, each for the reason that the table states, and none of its code runs."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.discover.files import Candidate
from gate.discover.staging import stage
from gate.triage.inspection import inspect
from tests.corpus import parts
from tests.corpus.build import CASES
from tests.corpus.conftest import Corpus

Cli = Callable[..., Any]
LARGEST_RSS = 512 * 2**20
# Not selected in a folder: only SavedModels are, not every .pb.
UNNAMED = tuple(name for name in CASES if name.endswith(".pb") and not name.endswith("saved_model.pb"))


def triage(file: Path, private: Path) -> set[str]:
    """Return the rules that a file is stopped by before anything is built."""
    private.mkdir()
    staged = stage(Candidate(path=file.name, file=file), private, 2**30, root=file.parent, environ=os.environ)
    if staged.file is None:
        assert staged.gap is not None
        return {staged.gap.rule}
    try:
        return {finding.rule for finding in inspect(staged.file, staged.artifact.format).findings}
    except IncompleteError as error:
        return {error.rule}


def test_the_corpus_is_large_and_every_rule_of_the_static_checks_has_its_files() -> None:
    from gate.triage.rules import RULES

    assert len(CASES) >= 90
    assert {rule.id for rule in RULES} <= {case.rule for case in CASES.values()}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.is_endless])
def test_every_file_is_stopped_for_its_reason(corpus: Corpus, tmp_path: Path, name: str) -> None:
    case = CASES[name]

    rules = triage(corpus.folder / name, tmp_path / "private")

    if case.reaches_rebuild:
        assert set() == rules
    else:
        assert case.rule in rules
        assert case.code == 1 or len(rules) == 1
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


def test_code_of_the_corpus_would_leave_its_marker_if_anybody_ran_it(tmp_path: Path) -> None:
    import base64
    import marshal
    import pickle

    for number, run in enumerate(
        (
            lambda marker: exec(marshal.loads(base64.b64decode(parts.code(marker)))),
            lambda marker: exec(marshal.loads(parts.raw_code(marker).encode("latin-1"))),
            lambda marker: pickle.loads(base64.b64decode(parts.pickled(marker))),
        )
    ):
        marker = tmp_path / str(number)
        run(marker)
        assert marker.exists()


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--static",), ()], ids=["static", "full"])
def test_the_command_stops_every_file_and_runs_none(
    cli: Cli,
    corpus: Corpus,
    tmp_path: Path,
    options: tuple[str, ...],
    record_testsuite_property: Callable[..., None],
) -> None:
    is_static = bool(options)
    report = tmp_path / "report.json"
    arguments = ("check", ".", *UNNAMED, *options, "--jobs", "2", "--output", f"json={report}")

    outcome = cli(*arguments, cwd=corpus.folder)

    assert (1, "") == (outcome.code, outcome.err)
    entries = {entry["path"]: entry for entry in json.loads(report.read_text())["artifacts"]}
    expected = {name: case.rule for name, case in CASES.items() if not (is_static and case.reaches_rebuild)}
    assert set(CASES) == set(entries)
    assert {} == {
        name: _reasons(entries[name]) for name in expected if expected[name] not in _reasons(entries[name])
    }
    assert {"fail", "incomplete"} == {entries[name]["verdict"] for name in expected}
    assert not corpus.marker.exists()
    slowest = max(entries.values(), key=lambda entry: entry["seconds"])
    record_testsuite_property("slowest", f"{slowest['path']} {slowest['seconds']} s")
    if is_static:
        # Of the largest process ever waited for by this one; in KiB on Linux, bytes on macOS.
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
        record_testsuite_property("peak_rss", peak)
        assert peak <= LARGEST_RSS


def _reasons(entry: dict[str, Any]) -> list[str]:
    rules = [finding["rule"] for finding in entry["findings"]]
    return rules or [entry["not_checked"][0].partition(":")[0]]
