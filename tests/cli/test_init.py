"""`init` writes files that the tools they are for accept, and never over somebody's work."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import gate
from gate.cli.origin import Origin, recorded

Run = Callable[..., tuple[int, str, str]]
BIN = Path(sys.executable).parent
ALL = ("--github", "--gitlab", "--pre-commit")
WORKFLOW = ".github/workflows/model-gate.yml"
JOB = ".gitlab/backdoor-gate.gitlab-ci.yml"


@pytest.fixture
def repository(told: Run, tmp_path: Path) -> Path:
    """The folder that `told` runs in, as a repository."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def written(root: Path) -> set[str]:
    files = (file.relative_to(root) for file in root.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if file.parts[0] != ".git"}


def test_the_policy_comes_alone_and_is_valid(told: Run, repository: Path) -> None:
    assert (0, "wrote  .backdoor-gate.yaml\n", "") == told("init")
    assert {".backdoor-gate.yaml"} == written(repository)
    assert 0 == told("policy", "check")[0]


def test_what_looks_like_a_test_set_stands_in_the_policy(told: Run, repository: Path) -> None:
    folder = repository / "data" / "test: \\"
    folder.mkdir(parents=True)
    for number in range(50):
        (folder / f"{number}.png").touch()
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)

    code, out, _ = told("init")

    policy = (repository / ".backdoor-gate.yaml").read_text()
    assert 0 == code
    assert "1. .backdoor-gate.yaml: it names data/test: \\ (50 pictures) as clean images." in out
    assert {"path": "data/test: \\", "role": "clean"} == yaml.safe_load(policy)["data"]
    assert "# Found by `init`: 50 pictures.\n" in policy
    assert 0 == told("policy", "check")[0]


def test_without_one_the_policy_shows_how(told: Run, repository: Path) -> None:
    told("init")

    policy = (repository / ".backdoor-gate.yaml").read_text()
    line = "# data: { path: data/test, role: clean }\n"
    assert line in policy
    assert "data" not in yaml.safe_load(policy)
    (repository / ".backdoor-gate.yaml").write_text(policy.replace(line, line.removeprefix("# ")))
    assert 0 == told("policy", "check")[0]


def test_what_was_asked_for_is_written_and_named(told: Run, repository: Path) -> None:
    code, out, _ = told("init", *ALL)

    assert 0 == code
    files = {".backdoor-gate.yaml", WORKFLOW, JOB, ".gitlab-ci.yml", ".pre-commit-config.yaml"}
    assert files == written(repository) == {line[7:] for line in out.splitlines() if line.startswith("wrote")}
    assert f"1. {WORKFLOW}: Replace OWNER" in out
    assert {"include": [{"local": JOB}]} == yaml.safe_load((repository / ".gitlab-ci.yml").read_text())


SOURCE = f"acme/backdoor-gate@{'1234567890' * 4}"


def test_what_was_reviewed_stands_in_every_file(told: Run, repository: Path) -> None:
    code, out, _ = told("init", *ALL, "--source", SOURCE)

    texts = {name: (repository / name).read_text() for name in (WORKFLOW, JOB, ".pre-commit-config.yaml")}
    assert 0 == code
    assert "Replace" not in out
    assert not [name for name, text in texts.items() if "OWNER" in text or "Replace" in text]
    assert f"uses: {SOURCE} # v{gate.__version__}\n" in texts[WORKFLOW]
    repo, _, commit = SOURCE.partition("@")
    job = yaml.safe_load(texts[JOB])["backdoor-gate"]
    assert (
        f'pip install --quiet "backdoor-gate[scan] @ git+https://github.com/{repo}@{commit}"'
        == job["before_script"][-1]
    )
    (hooks,) = yaml.safe_load(texts[".pre-commit-config.yaml"])["repos"]
    assert (f"https://github.com/{repo}", commit) == (hooks["repo"], hooks["rev"])


@pytest.mark.parametrize("source", ["acme/gate", "acme/gate@v1", f"gate@{'1' * 40}", f"-/../x@{'1' * 40}"])
def test_a_source_that_can_be_moved_is_refused(told: Run, repository: Path, source: str) -> None:
    code, _, err = told("init", "--source", source)

    assert 2 == code
    assert "--source: expected OWNER/NAME@COMMIT" in err
    assert set() == written(repository)


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://github.com/acme/backdoor-gate", "acme/backdoor-gate"),
        ("https://github.com/acme/backdoor-gate.git", "acme/backdoor-gate"),
        ("https://gitlab.com/acme/backdoor-gate", None),
        ("file:///home/ada/backdoor-gate", None),
    ],
)
def test_an_installation_from_github_is_known_by_its_record(url: str, repository: str | None) -> None:
    record = {"url": url, "vcs_info": {"vcs": "git", "commit_id": "1" * 40}}
    expected = Origin(repository=repository, commit="1" * 40) if repository else None

    assert expected == recorded(json.dumps(record))
    assert recorded(json.dumps({"url": url, "dir_info": {"editable": True}})) is None


def test_the_files_without_a_placeholder_satisfy_their_tools_too(told: Run, repository: Path) -> None:
    told("init", *ALL, "--source", SOURCE)
    for command in (("actionlint", WORKFLOW), ("zizmor", "--offline", "--no-progress", WORKFLOW)):
        if (BIN / command[0]).exists():
            done = subprocess.run([BIN / command[0], *command[1:]], cwd=repository, check=False)
            assert 0 == done.returncode


@pytest.mark.parametrize(
    "command",
    [
        ("actionlint", WORKFLOW),
        ("zizmor", "--offline", "--no-progress", WORKFLOW),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW),
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", JOB),
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml"),
        ("pre-commit", "validate-config", ".pre-commit-config.yaml"),
    ],
    ids=lambda command: f"{command[0]}-{Path(command[-1]).name}",
)
def test_the_files_satisfy_the_tools_they_are_for(
    told: Run, repository: Path, command: tuple[str, ...]
) -> None:
    if not (BIN / command[0]).exists():
        pytest.skip(f"{command[0]} is not installed; `make venv` brings it")
    told("init", *ALL)

    done = subprocess.run([BIN / command[0], *command[1:]], cwd=repository, capture_output=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_script_of_the_gitlab_job_is_sound_shell(told: Run, repository: Path) -> None:
    told("init", "--gitlab")
    job = yaml.safe_load((repository / JOB).read_text())["backdoor-gate"]
    script = "\n".join(["#!/bin/sh", *job["before_script"], *job["script"]])
    if not (BIN / "shellcheck").exists():
        pytest.skip("shellcheck is not installed; `make venv` brings it")

    done = subprocess.run([BIN / "shellcheck", "-"], input=script.encode(), capture_output=True, check=False)

    assert 0 == done.returncode, done.stdout


def test_a_second_time_changes_nothing(told: Run, repository: Path) -> None:
    told("init", *ALL)
    (repository / ".backdoor-gate.yaml").write_text("version: 1\nprofile: full\n")

    code, out, _ = told("init", *ALL)

    assert 0 == code
    assert not [line for line in out.splitlines() if not line.startswith("kept")]
    assert "profile: full" in (repository / ".backdoor-gate.yaml").read_text()


def test_force_overwrites_what_is_the_gates_own_and_not_what_others_share(
    told: Run, repository: Path
) -> None:
    told("init")
    (repository / ".backdoor-gate.yaml").write_text("old")
    (repository / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")

    _, out, _ = told("init", "--gitlab", "--force")

    assert "old" != (repository / ".backdoor-gate.yaml").read_text()
    assert "test: {script: [make]}\n" == (repository / ".gitlab-ci.yml").read_text()
    assert f"Add to .gitlab-ci.yml:\n\ninclude:\n  - local: {JOB}\n" in out


def test_a_second_policy_is_not_written_beside_one_elsewhere(told: Run, repository: Path) -> None:
    (repository / ".github").mkdir()
    (repository / ".github/backdoor-gate.yaml").write_text("version: 1\n")

    _, out, _ = told("init", "--force")

    assert "kept   .github/backdoor-gate.yaml (a second policy would be refused)\n" == out
    assert 0 == told("policy", "check")[0]


def test_a_link_is_replaced_and_not_followed(told: Run, repository: Path) -> None:
    (repository / "precious").write_text("precious")
    (repository / ".backdoor-gate.yaml").symlink_to("precious")

    told("init", "--force")

    assert "precious" == (repository / "precious").read_text()


def test_what_cannot_be_written_is_named(told: Run, repository: Path) -> None:
    (repository / ".github").write_text("a file")

    code, _, err = told("init", "--github")

    assert 2 == code
    assert "cannot be written" in err


def test_outside_of_a_repository_nothing_is_written(told: Run, tmp_path: Path) -> None:
    code, _, err = told("init")

    assert (2, []) == (code, list(tmp_path.iterdir()))
    assert "git init" in err
