"""Run git in a repository, shielded from the environment of hooks and from its own translations."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError, UsageError
from gate.core.text import printable

_TIMEOUT = 300.0  # seconds; git hashes large models that LFS does not keep

# A file system monitor is a program that the repository's configuration names.
_GIT = ("git", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false")

# What pre-commit keeps, plus the index: `git commit -a` and `git commit PATH` give their hook a temporary
# one, and the real index does not hold the change yet. GIT_DIR goes: with it, every directory is the top.
_KEPT = frozenset(
    {
        "GIT_ALLOW_PROTOCOL",
        "GIT_ASKPASS",
        "GIT_EXEC_PATH",
        "GIT_HTTP_PROXY_AUTHMETHOD",
        "GIT_INDEX_FILE",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
        "GIT_SSL_NO_VERIFY",
    }
)
_KEPT_PREFIX = "GIT_CONFIG_"
_SET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

_DUBIOUS_OWNER = re.compile(rb"dubious ownership in repository at '(.*)'", re.DOTALL)


def git(arguments: tuple[str, ...], directory: Path, environ: Mapping[str, str]) -> bytes:
    """Return what git prints.

    Args:
        arguments: Command and its arguments, without "git".
        directory: Where to run it.
        environ: Environment of this process; what would mislead git is taken out.

    Raises:
        IncompleteError: git is missing, failed, or took too long.
    """
    return require(attempt(arguments, directory, environ))


def attempt(
    arguments: tuple[str, ...],
    directory: Path,
    environ: Mapping[str, str],
    *,
    stdout: BinaryIO | int = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Run git, whether it succeeds or not; see `git`."""
    try:
        return subprocess.run(  # noqa: S603 - a fixed program, no shell; revisions are checked before
            (*_GIT, *arguments),
            cwd=directory,
            env=shielded(environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise _not_started(error) from error
    except subprocess.TimeoutExpired as error:
        raise IncompleteError(
            incomplete_rules.SCAN_FAILED.id,
            f"`git {arguments[0]}` did not finish within {_TIMEOUT:g} seconds.",
            hint="Run it by hand to see what it waits for.",
        ) from error


@contextmanager
def streaming(
    arguments: tuple[str, ...], directory: Path, environ: Mapping[str, str], *, stdin: IO[bytes]
) -> Iterator[IO[bytes]]:
    """Run git, which reads an open file, and yield what it prints, as it comes; see `git`."""
    command = (*_GIT, *arguments)
    with tempfile.TemporaryFile() as stderr:
        try:
            process = subprocess.Popen(  # noqa: S603 - as above
                command,
                cwd=directory,
                env=shielded(environ),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except OSError as error:
            raise _not_started(error) from error
        with process:
            assert process.stdout is not None  # a pipe was asked for
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        stderr.seek(0)
        require(subprocess.CompletedProcess(command, process.returncode, b"", stderr.read()))


def _not_started(error: OSError) -> IncompleteError:
    return IncompleteError(
        incomplete_rules.SCAN_FAILED.id,
        f"git cannot be started: {error.strerror}.",
        hint="Install git, or name the models instead of --staged or --diff.",
    )


def require(result: subprocess.CompletedProcess[bytes]) -> bytes:
    """Return what git printed.

    Raises:
        IncompleteError: It failed.
    """
    if result.returncode == 0:
        return result.stdout
    command = " ".join(result.args[len(_GIT) :][:2])
    said = printable(os.fsdecode(result.stderr.strip()))
    raise IncompleteError(
        incomplete_rules.SCAN_FAILED.id,
        f"`git {printable(command)} ...` failed with status {result.returncode}: {said}.",
        hint="`git fsck` tells whether the repository is whole.",
    )


def line(output: bytes) -> str:
    """Return the one line that git printed."""
    return os.fsdecode(output.removesuffix(b"\n"))


def top_of(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the top directory of the repository around `root`.

    Raises:
        UsageError: There is none.
        IncompleteError: git does not trust it, or failed.
    """
    found = attempt(("rev-parse", "--show-toplevel"), root, environ)
    if b"not a git repository" in found.stderr:
        raise UsageError(
            f"--staged and --diff: expected a git repository, received {printable(str(root))}.",
            hint="Run the gate inside the repository, or name the models instead.",
        )
    if owned := _DUBIOUS_OWNER.search(found.stderr):
        place = printable(os.fsdecode(owned[1]))
        raise IncompleteError(
            incomplete_rules.SCAN_FAILED.id,
            f"git does not trust {place}: another user owns it, as happens in containers.",
            hint=f"`git config --global --add safe.directory {place}`",
        )
    return Path(line(require(found)))


def shielded(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that git may see."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIX)
    }
    return kept | _SET
