"""Where the verdict cache lies and what seals it: options and environment in, the cache out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gate.cache.verdicts import VerdictCache

KEY_VARIABLE = "BACKDOOR_GATE_CACHE_KEY"

cache_dir_option = click.option(
    "--cache-dir",
    envvar="BACKDOOR_GATE_CACHE",
    show_envvar=True,
    metavar="DIR",
    help="Where verdicts are kept; the user's cache folder if not given.",
)


def folder(cache_dir: str | None) -> Path:
    """Return where the cache lies."""
    if cache_dir:
        return Path(cache_dir).absolute()
    import platformdirs

    return platformdirs.user_cache_path("backdoor-gate", appauthor=False) / "verdicts"


def secret(environ: Mapping[str, str]) -> bytes:
    """Return what seals the entries: the user's key, else this machine's own.

    Raises:
        OSError: There is none, and none can be made.
        UsageError: The user's key is too short.
    """
    from gate.cache.secret import given, own

    if text := environ.get(KEY_VARIABLE):
        return given(text)
    import platformdirs

    return own(platformdirs.user_state_path("backdoor-gate", appauthor=False))


def open_cache(cache_dir: str | None, environ: Mapping[str, str]) -> VerdictCache | None:
    """Return the cache; None where no secret can be kept, since nothing in it could be trusted then."""
    from gate.cache.verdicts import VerdictCache

    try:
        return VerdictCache(folder(cache_dir), secret(environ))
    except OSError as error:
        if cache_dir:
            click.echo(f"backdoor-gate: verdicts are not cached: {error}.", err=True)
        return None
