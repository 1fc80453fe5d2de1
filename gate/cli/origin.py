"""Where this gate comes from, so that what `init` writes names it: the repository and the commit that were reviewed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import metadata

import gate
from gate.core.errors import UsageError

_NAME = r"[A-Za-z0-9][\w.-]*/[\w.-]+"
_COMMIT = r"[0-9a-f]{40}"
_HINT = re.compile(r"^ *# Replace OWNER .*\n(?: *# index: .*\n)?", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A commit of a repository on GitHub.

    Attributes:
        repository: "owner/name".
        commit: 40 hex digits; a tag can be moved.
    """

    repository: str
    commit: str

    def fill(self, starter: str) -> str:
        """Return a starter in which this stands in the place of what a person would have to replace."""
        version, url = gate.__version__, f"https://github.com/{self.repository}"
        for placeholder, filled in (
            (r"OWNER/backdoor-gate@0{40} # v0\.0\.0", f"{self.repository}@{self.commit} # v{version}"),
            (r"https://github\.com/OWNER/backdoor-gate@0{40}", f"{url}@{self.commit}"),
            (r"https://github\.com/OWNER/backdoor-gate", url),
            # In quotes: YAML would read a commit of digits alone as a number.
            (r"rev: v[\d.]+", f'rev: "{self.commit}" # v{version}'),
        ):
            starter = re.sub(placeholder, filled, starter)
        return _HINT.sub("", starter)


def stated(text: str) -> Origin:
    """Return what the user names.

    Raises:
        UsageError: It is no OWNER/NAME@COMMIT.
    """
    found = re.fullmatch(rf"({_NAME})@({_COMMIT})", text)
    if found is None:
        raise UsageError(
            f"--source: expected OWNER/NAME@COMMIT, received {text!r}.",
            hint="The commit in full, 40 hex digits: a tag can be moved after you have reviewed it.",
        )
    return Origin(repository=found[1], commit=found[2])


def installed() -> Origin | None:
    """Return what pip installed this from; None unless that was a commit on GitHub."""
    try:
        record = metadata.distribution("backdoor-gate").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    return recorded(record or "{}")


def recorded(record: str) -> Origin | None:
    """Return what a `direct_url.json` (PEP 610) says; None unless it names a commit on GitHub."""
    document = json.loads(record)
    url = re.fullmatch(rf"https://github\.com/({_NAME}?)(?:\.git)?/?", document.get("url", ""))
    commit = document.get("vcs_info", {}).get("commit_id", "")
    is_known = url is not None and re.fullmatch(_COMMIT, commit)
    return Origin(repository=url[1], commit=commit) if url and is_known else None
