"""Whatever a file is, the gate ends with the right code and says what to do."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.graph_cases import graph, saved_model

Cli = Callable[..., Any]

REFUSED = [
    ("truncated.h5", "BD001", "Save the whole model again"),
    ("truncated.keras", "BD001", "Save the whole model again"),
    ("empty.h5", "BD001", "an empty file. Save the model again"),
    ("pointer.h5", "BD002", "git lfs pull"),
    ("dvc.h5.dvc", "BD002", "dvc pull dvc.h5.dvc"),
    ("text.h5", "BD001", "received text that begins with b'This is no model"),
    ("hdf5.keras", "BD001", "Rename it to 'hdf5.h5'"),
    ("zip.h5", "BD001", "Rename it to 'zip.keras'"),
    ("weights.h5", "BD001", "weights only, without an architecture"),
    ("no-config.keras", "BD001", "no config.json"),
    ("link.h5", "BD003", "name the file that the link points to"),
]

UNSUPPORTED = [
    ("one-number.h5", "BD003", "End a two-class network in one sigmoid"),
    ("regression.h5", "BD003", "a regression; expected a classifier"),
    ("sequence.h5", "BD003", "expected an image, height x width"),
    ("two-inputs.h5", "BD003", "2 inputs; expected one image input"),
]


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("name", "rule", "advice"), REFUSED)
def test_a_file_that_is_no_whole_model_stops_the_build(
    cli: Cli, cheap: Path, name: str, rule: str, advice: str
) -> None:
    outcome = cli("check", name, cwd=cheap)

    assert (3, "") == (outcome.code, outcome.err)
    assert rule in outcome.out
    assert advice in one_line(outcome.out)


@pytest.fixture(scope="session")
def refusals(
    cli: Cli, unsupported: Path, once: Callable[[str, Callable[[Path], None]], Path]
) -> dict[str, Any]:
    def scan(folder: Path) -> None:
        report = f"json={folder / 'report.json'}"
        outcome = cli("check", ".", "--jobs", "2", "--output", report, cwd=unsupported)
        assert (3, "") == (outcome.code, outcome.err)

    return json.loads((once("refusals", scan) / "report.json").read_text())


@pytest.mark.parametrize(("name", "rule", "advice"), UNSUPPORTED)
def test_a_model_that_cannot_be_judged_does_not_pass(
    refusals: dict[str, Any], name: str, rule: str, advice: str
) -> None:
    entry = next(each for each in refusals["artifacts"] if name == each["path"])

    assert "incomplete" == entry["verdict"]
    assert [] == entry["evidence"]
    (gap,) = entry["not_checked"]
    assert gap.startswith(f"{rule}: ")
    assert advice in gap


def test_a_lambda_fails_the_build_and_is_not_executed(cli: Cli, lambda_model: tuple[Path, Path]) -> None:
    model, marker = lambda_model

    outcome = cli("check", model.name, cwd=model.parent)

    assert 1 == outcome.code
    assert "BD201 executable-layer" in outcome.out
    assert not marker.exists()


def test_weights_that_are_no_numbers_fail_the_build_before_anything_is_loaded(
    cli: Cli, nan_model: Path
) -> None:
    outcome = cli("check", nan_model.name, cwd=nan_model.parent)

    assert 1 == outcome.code
    assert "BD208 non-finite-weights" in outcome.out


def test_a_changed_saved_model_fails_a_pull_request_by_what_it_can_do(
    cli: Cli, repo: Any, tmp_path: Path
) -> None:
    file = repo.top / "served" / "1" / "saved_model.pb"
    file.parent.mkdir(parents=True)
    file.write_bytes(saved_model(graph("WriteFile")))
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "model")

    outcome = cli("check", "--diff", "HEAD~1", cwd=repo.top, environ=repo.environ)

    assert 1 == outcome.code
    assert "BD209 dangerous-operation" in outcome.out
    assert "served/1/saved_model.pb" in outcome.out


def test_the_lambda_would_leave_its_marker_if_anybody_ran_it(lambda_model: tuple[Path, Path]) -> None:
    import base64
    import marshal

    import h5py

    model, marker = lambda_model
    with h5py.File(model) as store:
        layers = json.loads(store.attrs["model_config"])["config"]["layers"]
    code = marshal.loads(base64.b64decode(layers[1]["config"]["function"][0]))

    types.FunctionType(code, {"__builtins__": __builtins__})()

    assert marker.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_stops_the_build(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "secret.h5").touch(mode=0)

    outcome = cli("check", "secret.h5", cwd=tmp_path)

    assert 3 == outcome.code
    assert "chmod a+r" in outcome.out


def test_a_named_pipe_is_not_waited_for(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")

    outcome = cli("check", "pipe.h5", cwd=tmp_path)

    assert 3 == outcome.code
    assert "received a named pipe" in outcome.out


def test_a_folder_without_models_passes_and_says_so(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("check", ".", cwd=tmp_path)

    assert (0, "") == (outcome.code, outcome.err)
    assert "No model (.h5, .hdf5, .keras, SavedModel) in ." in outcome.out
    assert "0 models to scan" in outcome.out


def test_one_bad_file_does_not_hide_a_finding_in_another(
    cli: Cli, cheap: Path, lambda_model: tuple[Path, Path]
) -> None:
    model, _ = lambda_model

    outcome = cli("check", str(model), str(cheap / "empty.h5"), cwd=model.parent)

    assert 1 == outcome.code
    assert "1 failed · 1 incomplete" in outcome.out
