from __future__ import annotations

from pathlib import Path

import pytest

from gate.cache.secret import SHORTEST, given, own
from gate.core.errors import UsageError


def test_this_machines_secret_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "gate"

    first = own(folder)

    assert first == own(folder)
    assert 32 == len(first)
    assert ["cache-key"] == [file.name for file in folder.iterdir()]
    assert 0o600 == (folder / "cache-key").stat().st_mode & 0o777
    assert first != own(tmp_path / "other")


def readable(file: Path) -> None:
    file.chmod(0o640)


def short(file: Path) -> None:
    file.write_bytes(b"")


def linked(file: Path) -> None:
    file.rename(file.with_name("other"))
    file.symlink_to("other")


@pytest.mark.parametrize("spoil", [readable, short, linked])
def test_a_secret_that_others_may_know_or_have_put_there_is_refused(tmp_path: Path, spoil: object) -> None:
    own(tmp_path)
    spoil(tmp_path / "cache-key")  # type: ignore[operator]

    with pytest.raises(OSError, match=r"cache-key"):
        own(tmp_path)


def test_a_key_of_the_users_has_to_be_long() -> None:
    assert b"k" * SHORTEST == given("k" * SHORTEST)
    with pytest.raises(UsageError, match="expected at least 16 characters, received 15"):
        given("k" * (SHORTEST - 1))
