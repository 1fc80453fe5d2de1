"""`backdoor-gate init`: write a policy, and what runs the gate in a forge or a hook."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click

from gate.cli import origin
from gate.core.errors import UsageError, usable
from gate.core.text import printable
from gate.discover import clean_images
from gate.discover.clean_images import CleanImages

_NO_DATA = "# data: { path: data/test, role: clean }\n"
_GITLAB_JOB = ".gitlab/backdoor-gate.gitlab-ci.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starter:
    """A file to write.

    Attributes:
        path: In the repository.
        content: Of the file.
        next_step: What is left to a person; "" for nothing.
        is_shared: Whether others write into this file, too; then it is never overwritten, and a person adds to it.
    """

    path: str
    content: str
    next_step: str = ""
    is_shared: bool = False


@click.command(short_help="Write a policy, a CI job, hooks.")
@click.option("--github", is_flag=True, help="Write a GitHub workflow, too.")
@click.option("--gitlab", is_flag=True, help="Write a GitLab job, too.")
@click.option("--pre-commit", "pre_commit", is_flag=True, help="Write hooks for pre-commit, too.")
@click.option(
    "--source",
    metavar="OWNER/NAME@COMMIT",
    help="Where CI takes the gate from; if it was installed from a commit on GitHub, that one.",
)
@click.option("--force", is_flag=True, help="Overwrite what an earlier `init` wrote.")
def init(github: bool, gitlab: bool, pre_commit: bool, source: str | None, force: bool) -> int:
    """Write a policy, and what runs the gate, into the repository whose root is the current folder.

    If git tracks what looks like a test set, the policy names it as clean images.

    What is there already stays, unless --force is given; a .gitlab-ci.yml or .pre-commit-config.yaml of yours stays in
    any case, and you are told what to add.
    """
    from gate.cli.check import environ_for_git

    root = Path.cwd()
    if not (root / ".git").exists():
        raise UsageError(
            "init: expected the root of a git repository, received a folder without .git.",
            hint="Change to the root of the repository; `git init` makes one.",
        )
    place = origin.stated(source) if source else origin.installed()
    clean = clean_images.find(root, environ_for_git())
    steps = [
        step
        for starter in _starters(place, clean, github=github, gitlab=gitlab, pre_commit=pre_commit)
        for step in _place(starter, root, force=force)
    ]
    for number, step in enumerate(steps, start=1):
        click.echo(f"\n{number}. {step}")
    return 0


def _starters(
    place: origin.Origin | None, clean: CleanImages | None, *, github: bool, gitlab: bool, pre_commit: bool
) -> list[_Starter]:
    def read(name: str) -> str:
        return place.fill(_read(name)) if place else _read(name)

    def step(todo: str, unfilled: str) -> str:
        words = todo if place else f"{unfilled}, and {todo}"
        return words[0].upper() + words[1:]

    starters = [_policy(clean)]
    if github:
        todo = step("make its job `gate` a required status check.", "Replace OWNER and the zeros in it")
        path = ".github/workflows/model-gate.yml"
        starters.append(_Starter(path=path, content=read("github/model-gate.yml"), next_step=todo))
    if gitlab:
        include = f"include:\n  - local: {_GITLAB_JOB}\n"
        job = read("gitlab/backdoor-gate.gitlab-ci.yml")
        setting = "set `Pipelines must succeed` in the project's settings for merge requests."
        todo = step(setting, "Replace OWNER and the zeros in it")
        starters.append(_Starter(path=_GITLAB_JOB, content=job, next_step=todo))
        starters.append(_Starter(path=".gitlab-ci.yml", content=include, is_shared=True))
    if pre_commit:
        config = read("pre-commit/pre-commit-config.yaml")
        todo = step("run `pre-commit install`.", "Replace OWNER in it")
        starters.append(
            _Starter(path=".pre-commit-config.yaml", content=config, next_step=todo, is_shared=True)
        )
    return starters


def _policy(clean: CleanImages | None) -> _Starter:
    """Return the policy, with the line that names what looks like a test set."""
    path, content = ".backdoor-gate.yaml", _read("policy/backdoor-gate.yaml")
    if clean is None:
        return _Starter(path=path, content=content)
    found = f"# Found by `init`: {clean.kind}.\ndata: {{ path: {json.dumps(clean.path)}, role: clean }}\n"
    todo = (
        f"it names {clean.path} ({clean.kind}) as clean images. Remove the line `data:` if you do not trust them, if models "
        "were trained on them, or if they are for other models: images that do not fit are exit 3."
    )
    return _Starter(path=path, content=content.replace(_NO_DATA, found), next_step=todo)


def _read(name: str) -> str:
    from gate.core.shipped import folder

    return (folder("starters", "examples") / name).read_text("utf-8")


def _place(starter: _Starter, root: Path, *, force: bool) -> list[str]:
    """Write a file or say why not; return what is left to a person."""
    other = _policy_elsewhere(starter, root)
    if other:
        click.echo(f"kept   {other} (a second policy would be refused)")
        return []
    path = root / starter.path
    is_there = path.exists() or path.is_symlink()
    if is_there and starter.is_shared:
        click.echo(f"kept   {starter.path} (yours)")
        return _adding(starter, path)
    if is_there and not force:
        click.echo(f"kept   {starter.path} (--force overwrites it)")
        return []
    _write(path, starter.content)
    click.echo(f"wrote  {starter.path}")
    return [f"{starter.path}: {starter.next_step}"] if starter.next_step else []


def _policy_elsewhere(starter: _Starter, root: Path) -> str:
    from gate.policy.loader import DISCOVERED

    if starter.path not in DISCOVERED:
        return ""
    others = (name for name in DISCOVERED if name != starter.path)
    return next((name for name in others if (root / name).exists()), "")


def _adding(starter: _Starter, path: Path) -> list[str]:
    if "backdoor-gate" in path.read_text("utf-8", "replace"):
        return []
    return [f"Add to {starter.path}:\n\n{starter.content.rstrip()}"]


def _write(path: Path, content: str) -> None:
    with usable(f"init: {printable(str(path))} cannot be written", "Move away what is in its place."):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A link in a checkout is replaced and not followed.
        path.unlink(missing_ok=True)
        path.write_text(content, "utf-8")
