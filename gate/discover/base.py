"""Resolve what a change is compared with: a commit, and where the change left its history."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError, UsageError
from gate.core.text import printable
from gate.core.words import listed
from gate.discover.repository import attempt, git, line, require, top_of

# Where git looks for a name, in this order.
_PLACES = ("refs/tags/", "refs/heads/", "refs/remotes/")
_SHOWN = 12  # digits of a commit; git's own abbreviation depends on the repository's size


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a change is compared with.

    Attributes:
        name: As the user names it.
        commit: Its object id: the policy of today, which a change must not loosen.
        forks: Commits whose models count as unchanged only together; the merge bases, or `commit` itself.
        top: Top directory of the repository.
    """

    name: str
    commit: str
    forks: tuple[str, ...]
    top: Path

    @property
    def short(self) -> str:
        """The commit's id as messages show it."""
        return self.commit[:_SHOWN]

    def __str__(self) -> str:
        return self.name if self.commit.startswith(self.name) else f"{self.name} ({self.forks[0][:_SHOWN]})"


def resolve(base: str, root: Path, environ: Mapping[str, str]) -> Base:
    """Find the commit that any name stands for, and where HEAD left its history.

    Raises:
        UsageError: `base` begins with a dash, or `root` is in no repository.
        IncompleteError: `base` names no commit here or more than one, or git is missing or failed.
    """
    if base.startswith("-"):
        raise UsageError(
            f"--diff: expected a commit, received {printable(base)!r}, which git would take for an option.",
            hint="Name a branch, tag or commit, such as origin/main.",
        )
    top = top_of(root, environ)
    _require_one_name(base, top, environ)
    is_shallow = line(git(("rev-parse", "--is-shallow-repository"), top, environ)) == "true"
    commit = _commit(base, top, environ, is_shallow=is_shallow)
    forks = _forks(commit, top, environ, is_shallow=is_shallow)
    return Base(name=base, commit=commit, forks=forks, top=top)


def _require_one_name(base: str, top: Path, environ: Mapping[str, str]) -> None:
    """Refuse a name that stands for a tag and a branch: git takes the tag, which others may be allowed to push."""
    name = re.split(r"[~^@:]", base, maxsplit=1)[0]
    places = [f"{place}{name}" for place in _PLACES]
    found = git(("for-each-ref", "--format=%(refname)", *places), top, environ).decode("utf-8", "replace")
    refs = sorted(set(found.splitlines()) & set(places))
    if name and len(refs) > 1:
        raise IncompleteError(
            incomplete_rules.SCAN_FAILED.id,
            f"--diff: expected one commit, received {printable(base)!r}, which names {listed([printable(ref) for ref in refs])}; "
            "it is not known which models changed.",
            hint=f"Name the one that you mean in full: --diff {shlex.quote(printable(refs[-1]))}",
        )


def _commit(base: str, top: Path, environ: Mapping[str, str], *, is_shallow: bool) -> str:
    found = attempt(("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"), top, environ)
    if found.returncode == 0:
        return line(found.stdout)
    raise IncompleteError(
        incomplete_rules.SCAN_FAILED.id,
        f"--diff: expected a commit that this {'shallow clone' if is_shallow else 'repository'} holds, "
        f"received {printable(base)!r}; it is not known which models changed.",
        hint=_fetch_hint(base, is_shallow),
    )


def _forks(commit: str, top: Path, environ: Mapping[str, str], *, is_shallow: bool) -> tuple[str, ...]:
    found = attempt(("merge-base", "--all", commit, "HEAD"), top, environ)
    if found.returncode == 1:  # git's word for "no common ancestor"
        return (commit,)
    # After merges to and fro there are several, and what equals one of them may still differ from another.
    forks = tuple(require(found).decode("ascii").split())
    # Where history is cut off, an older commit may pass for the fork: a model that the base has since replaced
    # would seem unchanged.
    return tuple(dict.fromkeys((*forks, commit))) if is_shallow else forks


def _fetch_hint(base: str, is_shallow: bool) -> str:
    if not base.strip("0"):
        return "CI gives no base for the first push of a branch: compare with the default branch, `--diff origin/main`."
    depth = "--depth=1 " if is_shallow else ""
    return (
        f"Fetch it: `git fetch {depth}origin {shlex.quote(_refspec(printable(base)))}` "
        "(or all history; in GitHub's checkout action: `fetch-depth: 0`)."
    )


def _refspec(base: str) -> str:
    if re.fullmatch(r"[0-9a-f]{7,64}", base):
        return base
    if base.startswith("origin/"):
        branch = base.removeprefix("origin/")
        return f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    return f"{base}:{base}"
