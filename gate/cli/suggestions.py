"""What a shell may propose for an option or an argument."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def formats(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose the formats of `--output FORMAT=PATH`, and files once the format stands."""
    from gate import reporters

    if "=" in incomplete:
        return [CompletionItem(incomplete.partition("=")[2], type="file")]
    return [CompletionItem(f"{name}=") for name in reporters.names() if name.startswith(incomplete)]


def policies(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose the built-in policies, and files."""
    from gate.policy.loader import BUILT_IN

    names = [CompletionItem(name) for name in BUILT_IN if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def topics(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose the rules that `explain` knows, and files."""
    from gate.cli.registry import all_rules

    wanted = incomplete.upper()
    rules = [CompletionItem(rule.id, help=rule.name) for rule in all_rules() if rule.id.startswith(wanted)]
    return rules or [CompletionItem(incomplete, type="file")]
