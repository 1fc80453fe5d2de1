"""A length of time, as an option takes it."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_LONGEST = 24 * 3600


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """Seconds, from a number with the unit s, m or h; without a unit they are seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, more than 0 and at most a day."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smh]?)", str(value))
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not 0.0 < seconds <= _LONGEST:
            self.fail(
                f"expected a time such as 60s, 5m or 1h, a day at most; received {value!r}.", param, ctx
            )
        return seconds
