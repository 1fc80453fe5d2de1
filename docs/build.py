"""Write the pages that come from the code: docs/rules.md and docs/cli.md. `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gate.cli.explain import page
from gate.cli.main import cli
from gate.cli.registry import all_rules

DOCS = Path(__file__).parent
_INTRODUCTION = (
    "`backdoor-gate init --github --gitlab --pre-commit` writes these files into the repository whose root is the current "
    "folder. It never overwrites what is there unless `--force` is given, and a `.gitlab-ci.yml` or "
    "`.pre-commit-config.yaml` of yours not even then. Every system keeps the exit code: 0 passed, 1 findings, 2 wrong "
    "usage, 3 incomplete."
)
_STARTERS = (
    (
        "GitHub",
        "github/model-gate.yml",
        "yaml",
        "`init --github` writes it to `.github/workflows/model-gate.yml`.",
    ),
    (
        "GitLab",
        "gitlab/backdoor-gate.gitlab-ci.yml",
        "yaml",
        "`init --gitlab` writes it to `.gitlab/` and includes it. The findings stand in the merge request as Code Quality, "
        "the triggers as pictures in the test report, the HTML report as an exposed artifact.",
    ),
    ("Jenkins", "jenkins/Jenkinsfile", "groovy", "To copy; the triggers are attached to the failed tests."),
    (
        "pre-commit",
        "pre-commit/pre-commit-config.yaml",
        "yaml",
        "`init --pre-commit` writes it to `.pre-commit-config.yaml`. End `args` of your own with `--`, so that no file "
        "name is read as an option.",
    ),
    ("Policy", "policy/backdoor-gate.yaml", "yaml", "`init` writes it to `.backdoor-gate.yaml`."),
)
_NOTE = "<!-- Made by docs/build.py from the code; do not edit. -->\n\n"


def rules_page() -> str:
    """Return every rule's page."""
    return _NOTE + "# Rules\n\n" + "\n\n---\n\n".join(_deeper(page(rule)) for rule in all_rules()) + "\n"


def _deeper(text: str) -> str:
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines())


def cli_page() -> str:
    """Return the help text of every command."""
    # click keeps a command's help option from its first context on, so that has to be like the one of the tool.
    settings = {**cli.context_settings, "max_content_width": 100, "terminal_width": 100}
    root = click.Context(cli, info_name="backdoor-gate", **settings)
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


def ci_page() -> str:
    """Return what runs the gate in each system, as the files of examples/ have it."""
    parts = [_starter(*starter) for starter in _STARTERS]
    return _NOTE + "# In your CI\n\n" + _INTRODUCTION + "\n\n" + "\n\n".join(parts) + "\n"


def _starter(title: str, file: str, language: str, remark: str) -> str:
    content = (DOCS.parent / "examples" / file).read_text(encoding="utf-8").rstrip()
    head = f"## {title}\n\n{remark} From [`examples/{file}`](../examples/{file}):"
    return f"{head}\n\n```{language}\n{content}\n```"


PAGES = {"rules.md": rules_page, "cli.md": cli_page, "ci.md": ci_page}


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
