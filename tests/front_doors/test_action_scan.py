"""The action's scan and verdict: its scripts with the real gate, on models that need no engine to be refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 1000\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one run of the scan left behind."""

    log: str
    summary: str
    outputs: dict[str, str]


@pytest.fixture
def workspace(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository whose last commit adds one of its two models; neither is there, only its LFS pointer."""
    place = tmp_path / "workspace"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))
    for name in ("old model.h5", "new.keras"):
        (place / name).write_text(POINTER)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", name)
    return place


@pytest.fixture
def scan(workspace: Path, tmp_path: Path, root: Path, tool: Callable[[str], str]) -> Callable[..., Step]:
    """Run scan.sh as the runner does."""

    def run(**inputs: str) -> Step:
        files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        environment = {
            **os.environ,
            **{name: str(file) for name, file in files.items()},
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_TOKEN": "not-for-the-scan",
            "GATE_COMMAND": tool("backdoor-gate"),
            **inputs,
        }
        done = subprocess.run(
            ["bash", root / "action/scan.sh"],
            cwd=workspace,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        outputs = files["GITHUB_OUTPUT"].read_text().splitlines()
        named = {line.split("<<")[0]: outputs[i + 1] for i, line in enumerate(outputs) if "<<" in line}
        return Step(log=done.stdout, summary=files["GITHUB_STEP_SUMMARY"].read_text(), outputs=named)

    return run


def test_a_schedule_scans_every_model(scan: Callable[..., Step]) -> None:
    outputs = scan(EVENT_NAME="schedule").outputs

    assert ("3", "incomplete", "2") == (outputs["exit-code"], outputs["verdict"], outputs["models-scanned"])


def test_a_push_scans_what_it_changes(
    scan: Callable[..., Step], workspace: Path, git: Callable[..., str]
) -> None:
    before = git(workspace, "rev-parse", "HEAD^")

    assert "1" == scan(EVENT_NAME="push", EVENT_BEFORE=before).outputs["models-scanned"]


def test_named_paths_are_scanned_whatever_changed(
    scan: Callable[..., Step], workspace: Path, git: Callable[..., str]
) -> None:
    before = git(workspace, "rev-parse", "HEAD")
    step = scan(EVENT_NAME="push", EVENT_BEFORE=before, GATE_PATHS="  old model.h5\n\n new.keras ")

    assert "2" == step.outputs["models-scanned"]


def test_an_unknown_base_scans_nothing_and_says_so(scan: Callable[..., Step]) -> None:
    step = scan(EVENT_NAME="push", EVENT_BEFORE="1" * 40)

    assert ("3", "incomplete", "0") == tuple(
        step.outputs[name] for name in ("exit-code", "verdict", "models-scanned")
    )
    assert "::error title=backdoor-gate::It is not known which models changed" in step.log
    assert all(Path(step.outputs[f"{name}-file"]).is_file() for name in ("sarif", "junit", "json"))
    assert "it is not known which models changed" in step.summary


def test_a_change_is_judged_by_the_policy_that_was_there_before(
    scan: Callable[..., Step], workspace: Path, git: Callable[..., str]
) -> None:
    before = git(workspace, "rev-parse", "HEAD^")
    (workspace / ".backdoor-gate.yaml").write_text("version: 1\nexclude: ['**']\n")
    git(workspace, "add", ".")
    git(workspace, "commit", "--quiet", "--message", "exclude everything")

    step = scan(EVENT_NAME="push", EVENT_BEFORE=before)

    assert ("3", "1") == (step.outputs["exit-code"], step.outputs["models-scanned"])
    assert "the built-in one judges, and .backdoor-gate.yaml counts once it is merged" in step.summary


def test_reports_lie_where_the_outputs_say(scan: Callable[..., Step], workspace: Path) -> None:
    outputs = scan(EVENT_NAME="schedule", GATE_SARIF_FILE="our.sarif").outputs

    assert "our.sarif" == outputs["sarif-file"]
    assert all((workspace / outputs[f"{name}-file"]).is_file() for name in ("sarif", "junit", "json", "html"))


def test_the_summary_and_the_annotations_name_the_model(scan: Callable[..., Step]) -> None:
    step = scan(EVENT_NAME="schedule")

    assert "new.keras" in step.summary
    assert "::error file=new.keras" in step.log.rpartition("::stop-commands::")[2]


def test_the_summary_can_be_left_alone(scan: Callable[..., Step]) -> None:
    assert "" == scan(EVENT_NAME="schedule", GATE_SUMMARY="false").summary


def test_wrong_usage_is_an_exit_code_too_and_an_old_report_does_not_speak_for_it(
    scan: Callable[..., Step], workspace: Path
) -> None:
    (workspace / "report.json").write_text('{"verdict": "pass", "artifacts": []}')
    outputs = scan(EVENT_NAME="schedule", GATE_ARGS="--no-such-option", GATE_JSON_FILE="report.json").outputs

    assert ("2", "incomplete") == (outputs["exit-code"], outputs["verdict"])


@pytest.mark.parametrize(
    ("code", "fail", "expected"),
    [
        ("0", "true", 0),
        ("1", "true", 1),
        ("2", "true", 2),
        ("3", "true", 3),
        ("", "true", 3),
        ("1", "false", 0),
        ("3", "false", 0),
        ("2", "false", 2),
        ("", "false", 0),
    ],
)
def test_the_job_ends_as_the_exit_code_says(root: Path, code: str, fail: str, expected: int) -> None:
    environment = {"PATH": os.environ["PATH"], "EXIT_CODE": code, "FAIL": fail}
    done = subprocess.run(["bash", root / "action/verdict.sh"], env=environment, check=False)

    assert expected == done.returncode


def test_the_key_of_the_cache_reaches_the_gate_and_no_log(scan: Callable[..., Step], tmp_path: Path) -> None:
    key = {"GATE_CACHE": str(tmp_path / "verdicts"), "GATE_CACHE_KEY": "too-short-a-key"}
    refused = scan(EVENT_NAME="schedule", BACKDOOR_GATE_NO_CACHE="0", **key)

    assert "2" == refused.outputs["exit-code"]
    assert "too-short-a-key" not in refused.log
