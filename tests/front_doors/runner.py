"""A stand-in for GitHub: act runs a repository's workflow, with local repositories in place of other people's actions."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Git = Callable[..., str]

# Stands for an action that the machine does without.
NOTHING = "{name: n, description: d, runs: {using: composite, steps: [{shell: bash, run: 'true'}]}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a workflow left behind: the runner's log, and its exit code."""

    log: str
    code: int

    def said(self, mark: str) -> str:
        """Return the rest of the log's first line that holds a mark."""
        return next((line.partition(mark)[2].strip() for line in self.log.splitlines() if mark in line), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs workflows.

    Attributes:
        act: The command.
        home: Folder for act's own files.
        actions: Which folder stands for an action, as ``owner/name@commit``.
    """

    act: str
    home: Path
    actions: Mapping[str, Path]

    def run(self, repository: Path, event: str, payload: Mapping[str, object]) -> Ran:
        """Run what an event starts, on the commit that is checked out."""
        (self.home / ".config/act").mkdir(parents=True, exist_ok=True)
        file = self.home / "event.json"
        file.write_text(json.dumps(payload))
        flags = [f"--local-repository={action}={place}" for action, place in self.actions.items()]
        flags += ["--platform=ubuntu-latest=-self-hosted", "--action-offline-mode", f"--eventpath={file}"]
        done = subprocess.run(
            [self.act, event, *flags],
            cwd=repository,
            env={**os.environ, "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(log=done.stdout + done.stderr, code=done.returncode)


def action(place: Path, git: Git, files: Mapping[str, str]) -> Path:
    """Make a repository that holds an action, and return where it is."""
    for name, text in files.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "an action")
    return place
