"""`backdoor-gate policy`: check, show and describe policy files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gate.core.errors import PolicyError


@click.group(short_help="Check, show and describe policy files.")
def policy() -> None:
    """Work with policy files."""


@policy.command("check", short_help="Say whether policy files can be used.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def check_policy(files: tuple[str, ...]) -> int:
    """Check policy files (or the one that `check` would find) and name every mistake with its place."""
    from gate.cli.registry import known_detectors
    from gate.policy.loader import builtin_directory, load

    problems = []
    for file in files or (None,):
        try:
            loaded = load(file, known_detectors(), builtin_directory(), Path.cwd())
        except PolicyError as error:
            problems.append(error)
        else:
            click.echo(f"{loaded.source}: valid (sha256 {loaded.stamp.sha256[:12]})")
    if problems:
        hint = next((error.hint for error in problems if error.hint), "")
        raise PolicyError("\n".join(str(error) for error in problems), hint=hint)
    return 0


@policy.command("show", short_help="Print a policy as it is applied.")
@click.argument("file", required=False, metavar="[FILE|NAME]")
@click.option(
    "--path", "model", metavar="MODEL", help="What holds for this model, with all path overrides applied."
)
def show_policy(file: str | None, model: str | None) -> int:
    """Print the resolved policy as YAML."""
    import yaml

    from gate.cli.registry import known_detectors
    from gate.policy.loader import builtin_directory, load

    loaded = load(file, known_detectors(), builtin_directory(), Path.cwd())
    document = loaded.resolved() if model is None else loaded.for_path(model).document()
    click.echo(f"# {loaded.source}, sha256 {loaded.stamp.sha256}")
    click.echo(
        yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, allow_unicode=True), nl=False
    )
    return 0


@policy.command("schema", short_help="Print the JSON Schema of policy files.")
def show_schema() -> int:
    """Print the JSON Schema (2020-12) that editors use to complete and check policy files."""
    from gate.cli.registry import known_detectors
    from gate.policy.schema import schema

    click.echo(json.dumps(schema(known_detectors()), indent=2))
    return 0
