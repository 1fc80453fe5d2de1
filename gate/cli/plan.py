"""`check --list`: what would be scanned, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import click

from gate.cli.terminal import harmless
from gate.core.errors import IncompleteError
from gate.core.report import ExitCode
from gate.discover.opening import open_regular
from gate.discover.pointers import LFS_MAX_BYTES, parse_lfs
from gate.discover.selection import Candidate
from gate.pipeline import Plan, Request, plan


def show_plan(request: Request) -> ExitCode:
    """Print one line a model, then why others are left out; return 3 if nobody can say what to scan."""
    failure = request.selection.failure
    if failure:
        click.echo(f"backdoor-gate: {harmless(failure.message)}", err=True)
        return ExitCode.INCOMPLETE
    work = plan(request)
    for line in (*_lines(work), *request.selection.notices, _summary(work)):
        click.echo(harmless(line))
    return ExitCode.PASS


def _lines(work: Plan) -> Iterator[str]:
    rows = [(each.path, _reason(each)) for each in work.candidates]
    rows += [(path, f"not scanned, {gap}") for path, gap in work.gaps]
    rows += [(path, "excluded by the policy") for path in work.excluded]
    width = max((len(path) for path, _ in rows), default=0)
    yield from (f"{path:{width}}  {reason}" for path, reason in sorted(rows))


def _reason(candidate: Candidate) -> str:
    tracked = candidate.tracked
    if tracked and tracked.md5:
        return f"{candidate.reason}, md5 {tracked.md5}"
    with suppress(IncompleteError), open_regular(candidate.file, candidate.path) as stream:
        pointer = parse_lfs(stream.read(LFS_MAX_BYTES + 1))
        if pointer and pointer.oid:
            return f"{candidate.reason}, Git LFS sha256 {pointer.oid}"
    return candidate.reason


def _summary(work: Plan) -> str:
    return f"{len(work.candidates)} to scan, {len(work.gaps)} not scannable, {len(work.excluded)} excluded."
