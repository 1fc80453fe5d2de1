"""The doctor proves the gate alive, and says so when it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.cli.doctor import sandbox_check
from gate.cli.self_test import complaints
from gate.core.report import ArtifactReport, Gap, ScanReport, Verdict
from gate.core.shipped import folder

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def rows(out: str) -> dict[str, tuple[str, str]]:
    """Return state and text of each line of the table, by name."""
    lines = (line.split(None, 2) for line in out.splitlines() if line[:4].strip() in ("ok", "note", "FAIL"))
    return {name: (state, told) for state, name, told in lines}


def test_a_healthy_machine_is_described(told: Run) -> None:
    code, out, _ = told("doctor", "--no-self-test")

    assert (0, "Nothing is missing; only the self-test proves more.") == (code, out.splitlines()[-1])
    known = rows(out)
    assert {"gate", "python", "engine", "sandbox", "git", "git-lfs", "dvc", "policy", "self-test"} == set(
        known
    )
    assert "tensorflow" in known["engine"][1]
    assert ("note", "left out") == known["self-test"]


def test_a_broken_policy_is_found(told: Run, tmp_path: Path) -> None:
    (tmp_path / ".backdoor-gate.yaml").write_text("version: 1\nprofil: quick\n")

    code, out, _ = told("doctor", "--no-self-test")

    assert (3, "The gate does not work here.") == (code, out.splitlines()[-1])
    assert "FAIL" == rows(out)["policy"][0]


@pytest.mark.parametrize(
    ("words", "is_crashed", "states"),
    [
        ("landlock 7, seccomp", False, "ok ok"),
        ("landlock 7, seccomp", True, "note FAIL"),
        ("seccomp; no Landlock (Linux before 5.13)", False, "note FAIL"),
        ("none: no Landlock and no seccomp on darwin", False, "note FAIL"),
    ],
)
def test_a_missing_sandbox_counts_where_it_is_required(words: str, is_crashed: bool, states: str) -> None:
    found = [sandbox_check(words, is_required=each, is_crashed=is_crashed).state for each in (False, True)]

    assert states.split() == found


def test_a_missing_tool_is_noted(told: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    code, out, _ = told("doctor", "--no-self-test")

    assert 0 == code
    assert ("note", "not found; needed by --staged and --diff") == rows(out)["git"]


def test_a_tool_that_does_not_start_is_no_reason_to_stop(
    told: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dvc").write_bytes(b"no program")
    (tmp_path / "dvc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    code, out, _ = told("doctor", "--no-self-test")

    assert 0 == code
    assert ("ok", f"silent in {tmp_path / 'dvc'}") == rows(out)["dvc"]


def of(path: str, verdict: Verdict, like: ArtifactReport, **changes: object) -> ArtifactReport:
    artifact = dataclasses.replace(like.artifact, path=path)
    return dataclasses.replace(like, artifact=artifact, verdict=verdict, **changes)  # type: ignore[arg-type]


def test_a_gate_that_passes_everything_fails_the_self_test(
    report_of: Callable[..., ScanReport], failing: ArtifactReport
) -> None:
    clean = of("clean.keras", Verdict.PASS, failing)
    caught = of("backdoored-patch.keras", Verdict.FAIL, failing, target_labels=(7,))
    blind = of("backdoored-patch.keras", Verdict.PASS, failing)
    mistaken = of("backdoored-patch.keras", Verdict.FAIL, failing, target_labels=(3,))
    crashed = of(
        "clean.keras", Verdict.INCOMPLETE, failing, not_checked=(Gap(rule="BD004", message="It crashed."),)
    )

    assert [] == complaints(report_of(clean, caught))
    assert ["backdoored-patch.keras: expected fail, received pass"] == complaints(report_of(clean, blind))
    assert ["backdoored-patch.keras: expected target class 7, received (3,)"] == complaints(
        report_of(clean, mistaken)
    )
    assert ["clean.keras: expected pass, received incomplete (BD004: It crashed.)"] == complaints(
        report_of(crashed, caught)
    )
    assert 2 == len(complaints(report_of()))


def test_the_wheel_carries_what_a_checkout_has() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {target: ROOT / source for source, target in wheel["force-include"].items()}

    assert all(place.exists() for place in carried.values())
    assert {"gate/policies", "gate/specimens/clean.keras", "gate/starters/github"} <= set(carried)
    assert ROOT / "examples/models" == folder("specimens", "examples/models")
    assert ROOT / "gate/reporters" == folder("reporters", "nowhere")


@pytest.mark.slow
def test_the_self_test_tells_the_two_models_apart(told: Run) -> None:
    code, out, _ = told("doctor")

    assert (0, "The gate works here.") == (code, out.splitlines()[-1])
    state, found = rows(out)["self-test"]
    assert "ok" == state
    assert found.startswith("backdoored-patch.keras fail (")
    assert "clean.keras pass (" in found
