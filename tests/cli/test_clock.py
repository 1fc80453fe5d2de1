"""What day it is can be stated, so that a run can be repeated."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gate.cli.clock import today
from gate.core.errors import UsageError


def test_the_day_is_stated_or_todays() -> None:
    assert date(2026, 11, 21) == today({"SOURCE_DATE_EPOCH": "1795219200"})
    before = datetime.now(UTC).date()
    assert before <= today({}) <= datetime.now(UTC).date()


@pytest.mark.parametrize("text", ["", "soon", "1e9", "9" * 30])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH: expected seconds since 1970"):
        today({"SOURCE_DATE_EPOCH": text})
