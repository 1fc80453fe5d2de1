"""What a sandbox is called in reports."""

from __future__ import annotations

import pytest

from gate.core.confinement import Confinement


@pytest.mark.parametrize(
    ("landlock_abi", "seccomp", "missing", "told"),
    [
        (7, True, (), "landlock 7, seccomp"),
        (1, False, ("no seccomp (why)",), "landlock 1; no seccomp (why)"),
        (0, True, ("no Landlock (why)",), "seccomp; no Landlock (why)"),
        (0, False, ("no Landlock (a)", "no seccomp (b)"), "none: no Landlock (a); no seccomp (b)"),
    ],
)
def test_a_confinement_tells_what_is_there_and_what_is_missing(
    landlock_abi: int, seccomp: bool, missing: tuple[str, ...], told: str
) -> None:
    assert told == str(Confinement(landlock_abi=landlock_abi, seccomp=seccomp, missing=missing))
