"""`make new-detector` writes a detector that passes every check before anybody has edited it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from gate import detectors
from tests.acceptance.conftest import write_tiny

ALONE = "version: 1\nmax_score: null\ndetectors:\n  my-idea: {enabled: true}\n" + "".join(
    f"  {name}: {{enabled: false}}\n" for name in detectors.ids()
)
# Where somebody could have kept a list of detectors by hand.
LISTS = (
    *(
        "tests/detectors/test_contract.py",
        "tests/policy/test_policy_loader.py",
        "tests/policy/test_broken_policies.py",
    ),
    *("tests/cli/test_policy_test.py", "tests/cli/test_explain.py", "tests/test_architecture.py"),
    *("tests/detectors/test_constants.py", "tests/docs/test_pages.py", "tests/front_doors/test_docs.py"),
)


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("new_detector", root / ".ci" / "new_detector.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "received '', expected words in kebab-case, such as my-idea, at most 30 characters"),
        ("my_idea", "received 'my_idea', expected words in kebab-case"),
        ("../idea", "received '../idea', expected words in kebab-case"),
        ("x" * 31, "at most 30 characters"),
        ("lambda", "received 'lambda', a word of Python's own"),
        ("neural-cleanse", "expected a name that is free; it is taken by gate/detectors/neural_cleanse.py"),
        ("inversion", "it is taken by gate/detectors/inversion"),
        ("peers", "it is taken by tests/detectors/test_peers.py"),
        ("trigger", "it is taken by the rule anomalous-trigger"),
        ("context", "it is taken by the class Context, which a detector's file imports"),
    ],
)
def test_a_bad_or_taken_name_is_refused(script: ModuleType, root: Path, name: str, message: str) -> None:
    with pytest.raises(script.BadName) as caught:
        script.draft(name, root)

    assert message in str(caught.value)


def test_nothing_is_written_for_a_bad_name(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == script.main(["neural-cleanse"])
    assert 2 == script.main([])
    assert 2 == len(capsys.readouterr().err.splitlines())


def test_the_rule_is_the_next_one(script: ModuleType, root: Path) -> None:
    last = max(rule.id for rule in detectors.rules())

    assert f"BD{int(last[2:]) + 1}" == script.draft("my-idea", root).rule


@pytest.mark.parametrize("after", ["", "\n# Of all.\nmax_score: 0.5\n", "\n\nmax_score: 0.5\n"])
def test_the_block_comes_behind_the_last_detector(script: ModuleType, after: str) -> None:
    before = "version: 1\ndetectors:\n  # One.\n  one:\n    enabled: true # yes\n"

    text = script.with_block(before + after, "  # Two.\n  two:\n    enabled: false\n")

    assert f"{before}\n  # Two.\n  two:\n    enabled: false\n{after}" == text
    assert ["one", "two"] == list(yaml.safe_load(text)["detectors"])


def test_a_policy_without_detectors_is_refused(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="expected a line 'detectors:', received none"):
        script.with_block("version: 1\n", "")


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The files that git knows, as they lie here, in a folder of their own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("what belongs to the repository is git's to say, and this is no checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tmp_path / "copy" / name)
    return tmp_path / "copy"


def run(folder: Path, *command: str | Path) -> str:
    """Run a command on the copy's own code; return what it says."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_new_detector_passes_every_check_and_scans(copy: Path, tmp_path: Path) -> None:
    said = run(copy, ".ci/new_detector.py", "my-idea")

    files = ("gate/detectors/my_idea.py", "tests/detectors/test_my_idea.py")
    assert {f"wrote {file}" for file in files} <= set(said.splitlines())
    run(copy, "-m", "ruff", "check", *files)
    run(copy, "-m", "ruff", "format", "--check", *files)
    run(copy, "-m", "mypy", files[0])
    run(copy, "docs/build.py", "--check")
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", files[1], *LISTS)
    for policy in sorted((copy / "policies").glob("*.yaml")):
        run(copy, "-m", "gate", "policy", "check", policy.relative_to(copy))
    assert (
        "my-idea"
        in json.loads(run(copy, "-m", "gate", "policy", "schema"))["$defs"]["detectors"]["properties"]
    )
    assert "anomalous-my-idea" in run(copy, "-m", "gate", "explain", "my-idea")

    (copy / "alone.yaml").write_text(ALONE)
    model = write_tiny(tmp_path)
    run(
        copy,
        "-m",
        "gate",
        "check",
        model,
        "--input-range=0,1",
        "--policy",
        "alone.yaml",
        "--output",
        "json=report.json",
    )

    (entry,) = json.loads((copy / "report.json").read_text())["artifacts"]
    (evidence,) = entry["evidence"]
    assert ("pass", "my-idea", "measured") == (entry["verdict"], evidence["detector"], evidence["status"])
