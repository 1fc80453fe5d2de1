"""Options that change what is shown or asked, on models that need no TensorFlow to be judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def test_exit_zero_hides_the_code_and_says_so(cli: Cli, lambda_model: tuple[Path, Path]) -> None:
    model, _ = lambda_model

    outcome = cli("check", model.name, "--exit-zero", cwd=model.parent)

    assert 0 == outcome.code
    assert "FAIL      lambda.h5" in outcome.out
    assert "--exit-zero hides exit code 1" in outcome.err


def test_quiet_prints_nothing_if_all_pass(cli: Cli, examples: Path) -> None:
    outcome = cli("check", "models/clean.keras", "--static", "-q", cwd=examples)

    assert (0, "", "") == (outcome.code, outcome.out, outcome.err)


def test_quiet_still_prints_a_failure(cli: Cli, lambda_model: tuple[Path, Path]) -> None:
    model, _ = lambda_model

    outcome = cli("check", model.name, "-q", cwd=model.parent)

    assert 1 == outcome.code
    assert "BD201" in outcome.out


def test_static_checks_say_that_they_are_no_scan(cli: Cli, examples: Path) -> None:
    outcome = cli("check", "models", "--static", cwd=examples)

    assert 0 == outcome.code
    assert "no detector looked for a backdoor" in outcome.out


def test_the_second_shard_of_one_model_is_empty_and_says_so(cli: Cli, examples: Path) -> None:
    outcome = cli("check", "models/clean.keras", "--static", "--shard", "2/2", cwd=examples)

    assert 0 == outcome.code
    assert "This is shard 2 of 2" in outcome.out
    assert "0 models to scan" in outcome.out


@pytest.mark.slow
def test_a_time_limit_ends_the_scan(cli: Cli, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "hurry.yaml").write_text("version: 1\nlimits:\n  seconds: 1\n")

    outcome = cli("check", str(examples / "models" / "clean.keras"), "--policy", "hurry.yaml", cwd=tmp_path)

    assert 3 == outcome.code
    assert "BD004" in outcome.out
    assert "Raise limits.seconds in the policy" in " ".join(outcome.out.split())


def test_a_file_larger_than_the_policy_allows_is_not_scanned(
    cli: Cli, examples: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.yaml").write_text("version: 1\nlimits:\n  model_mb: 1\n")
    (tmp_path / "large.h5").write_bytes(
        (examples / "models" / "backdoored-blended.h5").read_bytes().ljust(2 << 20, b"\0")
    )

    outcome = cli("check", "large.h5", "--policy", "small.yaml", cwd=tmp_path)

    assert 3 == outcome.code
    assert "expected at most 1048576 bytes, received 2097152" in " ".join(outcome.out.split())


def test_a_policy_may_tolerate_incomplete_scans_but_not_findings(
    cli: Cli, cheap: Path, lambda_model: tuple[Path, Path]
) -> None:
    model, _ = lambda_model
    (cheap / "mild.yaml").write_text("version: 1\nincomplete: warn\n")

    tolerated = cli("check", "empty.h5", "--policy", "mild.yaml", cwd=cheap)
    found = cli("check", "empty.h5", str(model), "--policy", "mild.yaml", cwd=cheap)

    assert (0, 1) == (tolerated.code, found.code)
    assert "1 incomplete but tolerated" in tolerated.out


def test_standard_output_can_carry_the_json_report(cli: Cli, examples: Path) -> None:
    import json

    outcome = cli("check", "models/clean.keras", "--static", "--output", "json=-", cwd=examples)

    assert "pass" == json.loads(outcome.out)["verdict"]


def test_the_summary_says_how_the_scan_was_locked_in(cli: Cli, examples: Path) -> None:
    outcome = cli("check", "models/clean.keras", "--static", cwd=examples, environ={"CI": "true"})

    assert 0 == outcome.code
    assert "sandbox  landlock " in outcome.out
