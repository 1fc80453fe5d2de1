"""Write reports: each format to its file, whole or not at all, and what belongs to them beside them."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate import reporters
from gate.cli.report_files import with_files
from gate.cli.terminal import environment, terminal
from gate.core.errors import UsageError, usable
from gate.core.report import ScanReport
from gate.core.rule import Rule

ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class Target:
    """One report to write: a format, and a file or None for standard output."""

    format: str
    path: Path | None


def parse_targets(values: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets of `--output FORMAT=PATH` options; the console is the default.

    Raises:
        UsageError: An unknown format, or two reports for one place.
    """
    targets = tuple(_parse_target(value) for value in values)
    places = [target.path and target.path.absolute() for target in targets]
    if len(places) != len(set(places)):
        raise UsageError(
            "--output: two reports for the same file.", hint="Give each format a file of its own."
        )
    if any(path is None for path in places):
        return targets
    return (Target("console", None), *targets)


def _parse_target(value: str) -> Target:
    name, separator, path = value.partition("=")
    reporters.get(name)
    if separator and not path:
        raise UsageError(
            f"--output: expected {name}=PATH, received {value!r}.", hint=f"For standard output: {name}=-"
        )
    if Path(path).is_dir() and separator:
        # Said now, and not after minutes of scanning.
        raise UsageError(
            f"--output: expected a file, received the folder {path!r}.", hint=f"Such as {value}/report"
        )
    return Target(name, None if path in ("", "-") else Path(path))


def write(
    report: ScanReport,
    targets: Sequence[Target],
    rules: Sequence[Rule],
    *,
    verbose: bool,
    quiet: bool,
    sign: Callable[[str], str] | None = None,
) -> None:
    """Write every target; what `sign` returns in place of an attestation, if it is given.

    Raises:
        UsageError: A file cannot be written.
    """
    shown = _with_files(report, targets)
    for target in targets:
        if target.path is not None:
            text = reporters.get(target.format).render(shown, rules)
            _write(target.path, sign(text) if sign and target.format == ATTESTATION else text)
        elif not (quiet and target.format == "console" and report.exit_code == 0):
            _print(shown, target.format, rules, verbose=verbose, quiet=quiet)


def _print(report: ScanReport, name: str, rules: Sequence[Rule], *, verbose: bool, quiet: bool) -> None:
    screen = terminal(sys.stdout, environment())
    text = reporters.get(name).render(
        report,
        rules,
        color=screen.color,
        width=screen.width,
        unicode=screen.unicode,
        verbose=verbose,
        quiet=quiet,
    )
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. The exit code is the verdict's, and Python shall not write the rest on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: Path, text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    with usable(f"--output: {path} cannot be written", "Name another file."):
        if _is_stream(path):
            path.write_bytes(content)
        else:
            replace_file(path, content)


def _is_stream(path: Path) -> bool:
    """Tell whether this is a device or a pipe, such as /dev/stdout; to replace it would destroy it."""
    return path.absolute().is_relative_to("/dev") or (path.exists() and not path.is_file())


def replace_file(path: Path, content: bytes) -> None:
    """Put a file into its place whole, or leave what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _with_files(report: ScanReport, targets: Sequence[Target]) -> ScanReport:
    """Write triggers and suspect samples of failing models beside the first report file and say where they are."""
    files = (target.path for target in targets if target.path is not None)
    first = next((path for path in files if not _is_stream(path)), None)
    if first is None or not any(entry.findings for entry in report.artifacts):
        return report
    artifacts = tuple(
        with_files(entry, first.parent, _write_attachment) if entry.findings else entry
        for entry in report.artifacts
    )
    return dataclasses.replace(report, artifacts=artifacts)


def _write_attachment(path: Path, content: bytes) -> str:
    _write(path, content)
    # Viewers (GitLab, Jenkins) look from the folder that the gate ran in.
    return Path(os.path.relpath(path)).as_posix()
