from __future__ import annotations

import pytest

from gate.core.job import DataCall, Role


@pytest.mark.parametrize(
    ("path", "readable"),
    [("/d/train.npz", "/d/train.npz"), ("/d/signs", "/d/signs"), ("/d/signs/list.CSV", "/d/signs")],
)
def test_a_list_of_pictures_needs_the_folder_that_they_lie_in(path: str, readable: str) -> None:
    assert readable == DataCall(path=path, role=Role.TRAIN).readable
