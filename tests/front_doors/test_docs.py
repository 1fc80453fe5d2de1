"""The documentation speaks of commands, options, targets and files that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from gate.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/**/*.md")
    for page in ROOT.glob(pattern)
)


def _commands(text: str) -> list[list[str]]:
    """Return the words of every `backdoor-gate ...` line in a fenced block, comments and prompts aside."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("backdoor-gate ")]


def _unknown(words: list[str]) -> list[str]:
    """Return the words that name no command and no option of one."""
    command: click.Command = cli
    context, rest = click.Context(cli, **cli.context_settings), words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            return rest[:1]
        command, rest = found, rest[1:]
    known = {
        name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)
    }
    known |= {"-h", "--help"}
    return [
        word
        for word in words
        if word.startswith("-") and word != "--" and word.partition("=")[0] not in known
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_documentation_exists(page: str) -> None:
    wrong = {" ".join(words): _unknown(words) for words in _commands((ROOT / page).read_text())}

    assert {} == {line: unknown for line, unknown in wrong.items() if unknown}


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_in_the_documentation_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)\b", text, flags=re.MULTILINE))
    targets = set(re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert named <= targets


TOLD = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in (
        *(
            "*.md",
            "*.yml",
            "*.toml",
            "Dockerfile",
            ".pre-commit-hooks.yaml",
            "action/*",
            "docs/**/*.md",
            "examples/**/*",
        ),
        *("gate/**/*.py", "gate/**/*.html"),
    )
    for file in ROOT.glob(pattern)
    if file.is_file() and file.suffix not in {".keras", ".h5", ".npz", ".pyc"}
)


def test_nobody_is_told_to_install_the_gate_by_a_name_on_an_index() -> None:
    """The project owns none: whoever takes the name would write what judges the reader's models."""
    by_name = re.compile(
        r"\b(?:pip|pipx|uv)\b.* install .*(?<![/\w])backdoor-gate\b|backdoor-gate(?:\[\w+\])? *[=~<>]="
    )
    told = [
        f"{file}: {line}"
        for file in TOLD
        for line in (ROOT / file).read_text().splitlines()
        if by_name.search(line)
    ]

    assert [] == [line for line in told if " @ git+https://" not in line]
    assert any("gitlab-ci.yml: " in line for line in told)


def test_the_hook_for_models_under_any_name_is_one_that_pre_commit_accepts(
    tmp_path: Path, tool: Callable[[str], str]
) -> None:
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs/ci.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    (block,) = [block for block in blocks if "repo: local" in block]
    (tmp_path / "config.yaml").write_text(f"repos:\n{block}")

    subprocess.run([tool("pre-commit"), "validate-config", tmp_path / "config.yaml"], check=True)


def test_the_page_on_ci_warns_of_the_event_that_brings_secrets() -> None:
    text = (ROOT / "docs/ci.md").read_text()

    assert "## Never on `pull_request_target`" in text
    assert "pull_request_target:" not in text


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", (ROOT / page).read_text())

    assert [] == [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
