"""What day it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from gate.core.errors import UsageError

_VARIABLE = "SOURCE_DATE_EPOCH"


def today(environ: Mapping[str, str]) -> date:
    """Return today in UTC; SOURCE_DATE_EPOCH is heeded (reproducible-builds.org), so that a run can be repeated.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    stated = environ.get(_VARIABLE)
    if stated is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(stated), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{_VARIABLE}: expected seconds since 1970, received {stated!r}.",
            hint="Such as `date +%s` prints.",
        ) from error
