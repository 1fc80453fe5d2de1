"""`backdoor-gate cache`: look at the verdict cache, and empty it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gate.cli.verdict_cache import KEY_VARIABLE, cache_dir_option, folder, secret

if TYPE_CHECKING:
    from gate.cache.folder import Folder

_MIB = 1024 * 1024
_DAY = 86_400


@click.group(short_help="Look at the verdict cache, and empty it.")
def cache() -> None:
    """Work with the cache of verdicts, which spares unchanged models a scan."""


@cache.command("info", short_help="Say where the cache is and what it holds.")
@cache_dir_option
def info(cache_dir: str | None) -> int:
    """Say where the cache is, how large, and how much of it was sealed with the key that is in force."""
    from gate.cli.terminal import environment

    entries, environ = _folder(cache_dir), environment()
    usage = entries.usage()
    click.echo(f"folder     {entries.top}")
    click.echo(f"verdicts   {usage.entries} ({usage.bytes / _MIB:.1f} MiB)")
    try:
        click.echo(f"authentic  {_authentic(entries, secret(environ))}")
        click.echo(f"key        {KEY_VARIABLE if environ.get(KEY_VARIABLE) else 'of this machine'}")
    except OSError as error:
        click.echo(f"key        none, so that nothing is cached: {error}")
    return 0


@cache.command("prune", short_help="Remove the verdicts that were used least.")
@cache_dir_option
@click.option(
    "--max-mb", type=click.IntRange(0), default=256, show_default=True, help="What the rest may take up."
)
@click.option("--days", type=click.IntRange(0), help="Remove all that were not used for so long.")
def prune(cache_dir: str | None, max_mb: int, days: int | None) -> int:
    """Remove verdicts until the rest is small enough, those first that were not used for longest."""
    oldest = None if days is None else time.time() - days * _DAY
    removed = _folder(cache_dir).prune(max_mb * _MIB, oldest)
    click.echo(f"removed {removed.entries} verdict(s), {removed.bytes / _MIB:.1f} MiB")
    return 0


@cache.command("clear", short_help="Remove all verdicts.")
@cache_dir_option
def clear(cache_dir: str | None) -> int:
    """Remove all verdicts; other files in the folder stay."""
    removed = _folder(cache_dir).prune(-1)
    click.echo(f"removed {removed.entries} verdict(s), {removed.bytes / _MIB:.1f} MiB")
    return 0


def _folder(cache_dir: str | None) -> Folder:
    from gate.cache.folder import Folder

    return Folder(folder(cache_dir))


def _authentic(entries: Folder, key: bytes) -> int:
    from gate.cache.entry import is_authentic

    contents = ((name, entries.read(name)) for name in entries.keys())  # noqa: SIM118 - no dict
    return sum(content is not None and is_authentic(content, name, key) for name, content in contents)
