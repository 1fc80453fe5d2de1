"""Write the pages that come from the code: docs/rules.md and docs/cli.md. `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gate.cli.explain import page
from gate.cli.main import cli
from gate.cli.registry import all_rules

DOCS = Path(__file__).parent
_NOTE = "<!-- Made by docs/build.py from the code; do not edit. -->\n\n"


def rules_page() -> str:
    """Return every rule's page."""
    return _NOTE + "# Rules\n\n" + "\n\n---\n\n".join(_deeper(page(rule)) for rule in all_rules()) + "\n"


def _deeper(text: str) -> str:
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines())


def cli_page() -> str:
    """Return the help text of every command."""
    root = click.Context(cli, info_name="backdoor-gate", max_content_width=100, terminal_width=100)
    parts = [f"## {name}\n\n```text\n{text}\n```" for name, text in _helps(cli, root)]
    return _NOTE + "# Command line\n\n" + "\n\n".join(parts) + "\n"


def _helps(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    helps = [(context.command_path, command.get_help(context))]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            inner = click.Context(child, context, name, max_content_width=100, terminal_width=100)
            helps += _helps(child, inner)
    return helps


PAGES = {"rules.md": rules_page, "cli.md": cli_page}


def main() -> int:
    """Write or compare; return 1 if a page is not what the code says."""
    stale = [name for name, make in PAGES.items() if _read(DOCS / name) != make()]
    if "--check" not in sys.argv:
        for name, make in PAGES.items():
            (DOCS / name).write_text(make(), encoding="utf-8")
        return 0
    for name in stale:
        click.echo(f"docs/{name} is not what the code says; run: python docs/build.py", err=True)
    return 1 if stale else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
