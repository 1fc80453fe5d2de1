"""The job that `init --gitlab` writes, in a stand-in for GitLab's runner (gitlab-ci-local)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Git = Callable[..., str]
Done = subprocess.CompletedProcess[str]

# The machine has what the job would install for minutes.
INSTALLED = """
include:
  - local: .gitlab/backdoor-gate.gitlab-ci.yml
backdoor-gate:
  before_script: ["true"]
"""
REPORTS = ".gitlab-ci-local/artifacts/backdoor-gate/backdoor-gate-report"


@pytest.fixture
def runner() -> str:
    found = os.environ.get("GITLAB_CI_LOCAL") or shutil.which("gitlab-ci-local")
    if not (found and shutil.which("rsync")):
        pytest.skip("needs rsync, and gitlab-ci-local (npm) on the PATH or named by GITLAB_CI_LOCAL")
    return found


@pytest.fixture
def merge_request(
    tmp_path: Path, root: Path, git: Git, runner: str, tool: Callable[[str], str]
) -> Callable[[Mapping[str, str]], tuple[Done, Path]]:
    """Run the job on a merge request that adds files; return the outcome and where the artifacts lie."""
    place = tmp_path / "project"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))
    git(place, "remote", "add", "origin", "git@gitlab.example.org:group/project.git")
    job = place / ".gitlab/backdoor-gate.gitlab-ci.yml"
    job.parent.mkdir()
    shutil.copy(root / "examples/gitlab/backdoor-gate.gitlab-ci.yml", job)
    (place / ".gitlab-ci.yml").write_text(INSTALLED)
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "base")
    git(place, "update-ref", "refs/remotes/origin/main", "HEAD")

    def run(files: Mapping[str, str]) -> tuple[Done, Path]:
        for name, text in files.items():
            (place / name).write_text(text)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", "change")
        variables = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
        chosen = [word for item in variables.items() for word in ("--variable", "=".join(item))]
        environment = os.environ | {
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(Path(tool("backdoor-gate")).parent), os.environ["PATH"]]),
        }
        command = [runner, "backdoor-gate", "--force-shell-executor", *chosen]
        done = subprocess.run(
            command, cwd=place, env=environment, check=False, capture_output=True, text=True
        )
        return done, place / REPORTS

    return run


def test_a_merge_request_with_a_broken_model_fails_and_leaves_its_reports(
    merge_request: Callable[[Mapping[str, str]], tuple[Done, Path]],
) -> None:
    done, reports = merge_request(
        {"m.h5": "no model", ".backdoor-gate.yaml": "version: 1\nexclude: ['**']\n"}
    )

    assert 0 != done.returncode
    assert "counts once it is merged" in done.stdout, done.stdout + done.stderr
    assert ["BD001"] == [
        each["check_name"] for each in json.loads((reports / "code-quality.json").read_text())
    ]
    assert {"report.xml", "report.html", "report.json"} <= {file.name for file in reports.iterdir()}


def test_a_merge_request_without_a_model_passes(
    merge_request: Callable[[Mapping[str, str]], tuple[Done, Path]],
) -> None:
    done, reports = merge_request({"notes.txt": "hello"})

    assert 0 == done.returncode, done.stdout + done.stderr
    assert [] == json.loads((reports / "code-quality.json").read_text())
