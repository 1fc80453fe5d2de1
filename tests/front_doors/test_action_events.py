"""The workflow that `init --github` writes, in a real runner: each event, each kind of checkout, each end.

Static checks decide here, so that no run needs TensorFlow; test_action_in_runner.py has a whole scan.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.front_doors.runner import NOTHING, Git, Runner, action

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = "nektos/act"  # what the runner takes a repository without a remote for
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 1000\n".encode()
POLICY = b"version: 1\nextends: strict\n"
WEAKER = b"version: 1\nextends: research\nexclude: ['**']\n"
WORKFLOW = ".github/workflows/model-gate.yml"

# Stands for github/codeql-action/upload-sarif and says what it was given.
UPLOAD_SARIF = """
name: upload-sarif
description: says what it would upload
inputs: {sarif_file: {description: d}, category: {description: d}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILE: "${{ inputs.sarif_file }}"}
      run: |
        python3 -c '
        import json, os
        run, = json.load(open(os.environ["FILE"]))["runs"]
        places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
        print("uploaded", len(run["results"]), "regions", sum("region" in place for place in places))'
"""
UPLOAD_ARTIFACT = """
name: upload-artifact
description: says what it would keep
inputs: {name: {description: d}, path: {description: d}, if-no-files-found: {description: d}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILES: "${{ inputs.path }}"}
      run: echo kept $FILES
"""
# What the action would install for minutes is there already; it finds it as the second use in one job does.
PREPARE = """
      - run: |
          mkdir "$RUNNER_TEMP/backdoor-gate-venv"
          ln -s {bin} "$RUNNER_TEMP/backdoor-gate-venv/bin"
          printf prepared >"$RUNNER_TEMP/backdoor-gate-venv/installed"
"""
TELL = """
      - if: always()
        env:
          SEEN: ${{ steps.gate.outputs.verdict }} ${{ steps.gate.outputs.exit-code }} ${{ steps.gate.outputs.models-scanned }}
          JSON: ${{ steps.gate.outputs.json-file }}
        run: echo "outputs $SEEN $JSON"
"""


def with_lambda(model: bytes) -> bytes:
    """Return a Keras file with code in it, which static checks find."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(model)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = content.replace(b'"class_name": "Flatten"', b'"class_name": "Lambda"')
            new.writestr(zipfile.ZipInfo(name), content)
    return changed.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A user's repository whose HEAD is what GitHub checks out: a change merged into main for a trial.

    ``base`` is main as it was; ``head`` is the tip of the change.
    """

    place: Path
    base: str
    head: str


@pytest.fixture
def models(root: Path) -> Mapping[str, bytes]:
    clean = (root / "examples/models/clean.keras").read_bytes()
    return {"clean": clean, "lambda": with_lambda(clean), "pointer": POINTER}


@pytest.fixture
def workflow(root: Path, tool: Callable[[str], str]) -> str:
    """What `init` writes; the gate is installed already, and its outputs are told."""
    text = (root / "examples/github/model-gate.yml").read_text()
    before, mark, after = text.partition("      # Replace OWNER")
    assert mark
    prepare = PREPARE.format(bin=Path(tool("backdoor-gate")).parent)
    settled = after.replace(
        "        with:\n", "        with:\n          install: prepared\n          args: --static\n", 1
    )
    return before + prepare + mark + settled + TELL


@pytest.fixture
def runner(tmp_path: Path, root: Path, git: Git, tool: Callable[[str], str], workflow: str) -> Runner:
    pinned = {name.rpartition("@")[0]: name for name in re.findall(r"uses: (\S+)", workflow)}
    python = re.search(r"actions/setup-python@[0-9a-f]{40}", (root / "action.yml").read_text())
    assert python
    ours = {
        str(file.relative_to(root)): file.read_text()
        for file in [root / "action.yml", *(root / "action").iterdir()]
    }
    others = {
        pinned["OWNER/backdoor-gate"]: ours,
        pinned["github/codeql-action/upload-sarif"].replace("/upload-sarif", ""): {
            "upload-sarif/action.yml": UPLOAD_SARIF
        },
        pinned["actions/upload-artifact"]: {"action.yml": UPLOAD_ARTIFACT},
        python[0]: {"action.yml": NOTHING},
    }
    places = {
        name: action(tmp_path / "actions" / str(number), git, files)
        for number, (name, files) in enumerate(others.items())
    }
    return Runner(act=tool("act"), home=tmp_path / "home", actions=places)


@pytest.fixture
def project(tmp_path: Path, git: Git, workflow: str) -> Callable[..., Project]:
    """Make a repository from the files that main has and those that the change brings."""
    place = tmp_path / "project"

    def commit(files: Mapping[str, bytes]) -> str:
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--allow-empty", "--message", "files")
        return git(place, "rev-parse", "HEAD")

    def make(base: Mapping[str, bytes], change: Mapping[str, bytes]) -> Project:
        git(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))
        before = commit({WORKFLOW: workflow.encode(), **base})
        git(place, "checkout", "--quiet", "-b", "change")
        head = commit(change)
        git(place, "checkout", "--quiet", "-b", "trial", "main")
        git(place, "merge", "--quiet", "--no-ff", "--message", "trial", "change")
        return Project(place=place, base=before, head=head)

    return make


def pull_request(project: Project, *, head: str = HERE) -> dict[str, object]:
    """Return the payload; `head` is the repository that the change comes from."""
    return {
        "pull_request": {
            "base": {"sha": project.base},
            "head": {"sha": project.head, "repo": {"full_name": head}},
        }
    }


def waiver(model: bytes, *, days: int) -> bytes:
    """Return a waiver file that accepts the code in a model until so many days from now."""
    until = datetime.now(UTC).date() + timedelta(days=days)
    digest = hashlib.sha256(model).hexdigest()
    entry = {
        "rule": "BD201",
        "path": "m.keras",
        "digest": f"sha256:{digest}",
        "reason": "Known.",
        "owner": "ada@example.org",
    }
    return json.dumps({"version": 1, "waivers": [{**entry, "expires": until.isoformat()}]}).encode()


def test_a_push_of_a_clean_model_passes_and_uploads_an_empty_list(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes]
) -> None:
    made = project({"old.keras": models["lambda"]}, {"new.keras": models["clean"]})

    ran = runner.run(made.place, "push", {"before": made.base, "ref": "refs/heads/main"})

    assert (0, "pass 0 1 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
    assert "uploaded 0 regions 0" in ran.log
    assert "kept backdoor-gate.html backdoor-gate.json backdoor-gate.sarif backdoor-gate.xml" in ran.log
    assert "1 passed" in ran.said("Summary - ")
    assert "::error" not in ran.log


def test_a_pull_request_that_excludes_its_own_model_fails_all_the_same(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes]
) -> None:
    made = project(
        {".backdoor-gate.yaml": POLICY}, {".backdoor-gate.yaml": WEAKER, "m.keras": models["lambda"]}
    )

    ran = runner.run(made.place, "pull_request", pull_request(made))

    assert (1, "fail 1 1 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
    assert "The change touches .backdoor-gate.yaml, which counts once it is merged" in ran.log
    assert "::error file=m.keras" in ran.log
    assert "uploaded 1 regions 0" in ran.log


def test_a_waiver_of_the_base_counts_in_a_clone_of_one_commit(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes], tmp_path: Path, git: Git
) -> None:
    known = waiver(models["lambda"], days=30)
    made = project({".backdoor-gate/waivers.yaml": known}, {"m.keras": models["lambda"]})
    shallow = tmp_path / "shallow"
    git(made.place, "config", "uploadpack.allowAnySHA1InWant", "true")  # as on GitHub
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=trial", f"file://{made.place}", str(shallow))

    ran = runner.run(shallow, "pull_request", pull_request(made))

    assert (0, "pass 0 1 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
    assert "1 waived" in ran.said("Summary - ")
    assert "::error" not in ran.log


def test_an_expired_waiver_fails_a_fork_which_uploads_nothing(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes]
) -> None:
    over = waiver(models["lambda"], days=-1)
    made = project({".backdoor-gate/waivers.yaml": over}, {"m.keras": models["lambda"]})

    ran = runner.run(made.place, "pull_request", pull_request(made, head="stranger/project"))

    assert (1, "fail 1 1 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
    assert "BD190 expired-waiver" in ran.log
    assert "uploaded" not in ran.log
    assert "kept backdoor-gate.html" in ran.log


def test_a_merge_group_with_a_pointer_is_incomplete(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes]
) -> None:
    made = project({}, {"m.keras": models["pointer"]})

    ran = runner.run(made.place, "merge_group", {"merge_group": {"base_sha": made.base}})

    assert (1, "incomplete 3 1 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
    assert "exitcode '3'" in ran.log or "exit status 3" in ran.log
    assert "git lfs pull" in ran.log
    assert "::error file=m.keras" in ran.log


def test_a_schedule_scans_what_nobody_changed(
    runner: Runner, project: Callable[..., Project], models: Mapping[str, bytes]
) -> None:
    made = project({"old.keras": models["lambda"]}, {"new.keras": models["clean"]})

    ran = runner.run(made.place, "schedule", {})

    assert (1, "fail 1 2 backdoor-gate.json") == (ran.code, ran.said("| outputs ")), ran.log
