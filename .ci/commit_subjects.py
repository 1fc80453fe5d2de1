"""Check the subjects of commits: at most 72 characters, `area: imperative summary`. `make lint` runs it.

Looked at are the commits that origin/main lacks; without any, the last ones. A shallow clone has fewer. Where git cannot tell,
in a copy without .git for example, nothing is checked, and that is said.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 72
UPSTREAM = "origin/main"
# Commits before this day were made without the rule.
SINCE = "2026-11-30T15:00:00+00:00"
_LAST = 50
_EXPECTED = "expected 'area: imperative summary'"
# What git and GitHub write themselves.
_BY_TOOLS = re.compile(r'Merge |Revert "')
_AREA = re.compile(r"[a-z][a-z0-9 ./_-]*(?:, [a-z][a-z0-9 ./_-]*)*: (?P<summary>\S.*)")
# The commonest verbs in another form. Whether a sentence is an order, only a reader can tell.
_NO_ORDER = re.compile(
    r"(?:add|allow|correct|document|fix|implement|move|refactor|remove|rename|replace|support|test|update|use)(?:s|es|d|ed)\b"
    r"|(?:adding|allowing|changing|fixing|making|moving|removing|renaming|replacing|updating|using|made|wrote)\b"
)


def wrong(subject: str) -> str:
    """Return what is wrong with a subject; "" if nothing is."""
    if _BY_TOOLS.match(subject):
        return ""
    if len(subject) > LONGEST:
        return f"received {len(subject)} characters, expected at most {LONGEST}"
    found = _AREA.fullmatch(subject)
    if not found:
        return f"received no area in small letters, {_EXPECTED}"
    summary = found["summary"]
    if summary.endswith("."):
        return f"received a full stop at the end, {_EXPECTED}"
    if _NO_ORDER.match(summary):
        return f"received {summary.split()[0]!r} as its verb, {_EXPECTED}, such as 'add' or 'fix'"
    return ""


def _git(*arguments: str) -> str:
    """Return what git says.

    Raises:
        OSError: There is no git.
        subprocess.CalledProcessError: It fails.
    """
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commits() -> list[tuple[str, str]]:
    """Return the hash and the subject of each commit to look at.

    Raises:
        OSError: There is no git.
        subprocess.CalledProcessError: It fails.
        ValueError: This folder is no checkout of its own.
    """
    if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT:
        raise ValueError("this folder is no checkout")
    log = ("log", "--no-merges", f"--since={SINCE}", "--format=%h %s")
    lines = ""
    if _git("for-each-ref", f"refs/remotes/{UPSTREAM}"):
        lines = _git(*log, f"{UPSTREAM}..HEAD")
    lines = lines or _git(*log, f"--max-count={_LAST}", "HEAD")
    return [(each.partition(" ")[0], each.partition(" ")[2]) for each in lines.splitlines()]


def main(words: Sequence[str]) -> int:
    """Say which subjects are wrong; return 1 if any is. With an argument, the subject of that file's first line is checked."""
    if words:
        lines = Path(words[0]).read_text(encoding="utf-8").splitlines()
        found = [("this commit", lines[0] if lines else "")]
    else:
        try:
            found = commits()
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            sys.stdout.write(f"commit subjects: none checked, git cannot tell ({_reason(error)})\n")
            return 0
    bad = [f"{commit} {subject!r}: {problem}\n" for commit, subject in found if (problem := wrong(subject))]
    sys.stderr.write("".join(bad))
    sys.stdout.write(f"commit subjects: {len(found)} checked, {len(bad)} to mend\n")
    return 1 if bad else 0


def _reason(error: Exception) -> str:
    told = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
    return str(told).partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
