from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gate.discover.walk import matches, walk


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("/"))


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")

    tree = walk(tmp_path)

    assert (tmp_path / "real" / "file", tmp_path / "self") == tree.files
    assert (tmp_path / "loop",) == tree.links


def test_the_order_is_by_name_and_git_directories_are_left_out(tmp_path: Path) -> None:
    for name in ("b/z", "a", "b/.git/objects", "b/.github/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert (tmp_path / "a", tmp_path / "b/.github/c", tmp_path / "b/z") == walk(tmp_path).files


def test_a_directory_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    assert (tmp_path / "gone",) == walk(tmp_path / "gone").closed


def test_a_tree_deeper_than_the_recursion_limit_is_walked(tmp_path: Path) -> None:
    places = [tmp_path.joinpath(*["d"] * depth) for depth in range(1, 1500)]
    for place in places:
        place.mkdir()
    (places[-1] / "m.h5").touch()

    assert (places[-1] / "m.h5",) == walk(tmp_path).files

    (places[-1] / "m.h5").unlink()  # what pytest tidies up with does recurse
    for place in reversed(places):
        place.rmdir()


def test_a_star_stays_in_its_directory_and_two_stars_do_not() -> None:
    assert matches(_parts("a/m.h5"), _parts("*/*.h5"))
    assert not matches(_parts("a/b/m.h5"), _parts("*/*.h5"))
    assert matches(_parts("m.h5"), _parts("**/*.h5"))
    assert matches(_parts("a/b/m.h5"), _parts("a/**/m.h5"))
    assert not matches(_parts("a/b/m.h5"), _parts("b/**"))


@given(st.lists(st.text(), max_size=5))
def test_two_stars_match_any_path(parts: list[str]) -> None:
    assert matches(tuple(parts), ("**",))
