from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gate.core.errors import UsageError
from gate.discover.files import from_list, from_paths
from gate.discover.names import is_model, model_path
from gate.discover.selection import Selection
from gate.discover.staging import stage


def _make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def _paths(selection: Selection) -> list[str]:
    return [candidate.path for candidate in selection.candidates]


@pytest.mark.parametrize("name", ["a.h5", "b/C.HDF5", "d.keras", "s/saved_model.pb", "saved_model.pbtxt"])
def test_models_are_known_by_their_names(name: str) -> None:
    assert name == model_path(name)


@pytest.mark.parametrize("part", ["variables.index", "variables.data-00000-of-00002"])
def test_the_weights_of_a_saved_model_belong_to_its_graph(part: str) -> None:
    assert "saved_model.pb" == model_path(f"variables/{part}")
    assert "a/b/saved_model.pb" == model_path(f"a/b/variables/{part}")
    assert "" == model_path(f"myvariables/{part}")


def test_what_keras_notes_of_a_saved_model_belongs_to_its_graph_too() -> None:
    assert "a/saved_model.pb" == model_path("a/keras_metadata.pb")
    assert "" == model_path("a/my_keras_metadata.pb")


def test_a_model_that_keras_saved_as_a_directory_is_refused_not_overlooked(tmp_path: Path) -> None:
    _make(tmp_path, "signs.keras/config.json", "signs.keras/metadata.json", "signs.keras/model.weights.npz")

    (candidate,) = from_paths((".",), tmp_path).candidates

    assert "signs.keras/model.weights.npz" == candidate.path
    (tmp_path / "private").mkdir()
    gap = stage(candidate, tmp_path / "private", 1 << 20, root=tmp_path, environ={}).gap
    assert gap is not None
    assert gap.rule in {"BD001", "BD003"}


def test_a_dvc_file_may_stand_for_a_model_whatever_it_is_called() -> None:
    assert is_model("data.dvc")
    assert not is_model("data.csv")


def test_a_directory_is_searched_by_name_in_order(tmp_path: Path) -> None:
    _make(tmp_path, "m/z.h5", "m/a/b.KERAS", "m/readme.md", "m/.git/x.h5", "m/sm/saved_model.pb", "other.h5")

    selection = from_paths(["m"], tmp_path)

    assert ["m/a/b.KERAS", "m/sm/saved_model.pb", "m/z.h5"] == _paths(selection)
    assert tmp_path / "m/z.h5" == selection.candidates[-1].file
    assert ((), ()) == (selection.gaps, selection.notices)


def test_a_file_named_in_full_is_selected_whatever_it_is_called(tmp_path: Path) -> None:
    _make(tmp_path, "model", "notes[1].txt")
    (tmp_path / "dangling").symlink_to("gone")

    assert ["dangling", "model", "notes[1].txt"] == _paths(
        from_paths(["notes[1].txt", "model", "dangling"], tmp_path)
    )


def test_every_spelling_of_a_path_means_one_model(tmp_path: Path) -> None:
    _make(tmp_path, "a/m.h5", "b/n.h5")
    spellings = ["a/m.h5", "./a//m.h5", str(tmp_path / "a/m.h5"), "b/../a/m.h5", "a", "a/*"]

    assert ["a/m.h5"] == _paths(from_paths(spellings, tmp_path))


def test_dots_after_a_link_lead_where_the_system_goes(tmp_path: Path) -> None:
    _make(tmp_path, "far/away/x", "far/m.h5", "m.h5")
    (tmp_path / "link").symlink_to("far/away")

    assert ["far/m.h5"] == _paths(from_paths(["link/../m.h5"], tmp_path))


def test_a_model_outside_the_root_is_shown_in_full(tmp_path: Path) -> None:
    _make(tmp_path, "m.h5", "sub/x")

    assert [(tmp_path.resolve() / "m.h5").as_posix()] == _paths(from_paths(["../m.h5"], tmp_path / "sub"))


@pytest.mark.parametrize("argument", ["gone.h5", "", "gone/*.h5", "*.pt", "n" * 300, "bad\x1b[2J.h5"])
def test_what_does_not_exist_is_a_usage_error(tmp_path: Path, argument: str) -> None:
    _make(tmp_path, "m.h5")

    with pytest.raises(UsageError, match="PATH: expected") as caught:
        from_paths([argument], tmp_path)

    assert caught.value.hint
    assert "\x1b" not in str(caught.value)


def test_a_directory_without_models_is_said_to_have_none(tmp_path: Path) -> None:
    _make(tmp_path, "docs/readme.md")

    selection = from_paths(["docs"], tmp_path)

    assert selection.is_empty
    assert ("No model (.h5, .hdf5, .keras, SavedModel) in docs.",) == selection.notices


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.h5", ["m.h5"]),
        ("**/*.h5", ["a/b/n.h5", "a/m.h5", "m.h5"]),
        ("a/*", ["a/b/n.h5", "a/m.h5"]),
        ("**", ["a/b/n.h5", "a/m.h5", "m.h5"]),
        ("**/*.bin", ["a/model.bin"]),
        ("*/[b]", ["a/b/n.h5"]),
    ],
)
def test_patterns_that_no_shell_expanded_are_expanded(
    tmp_path: Path, pattern: str, expected: list[str]
) -> None:
    _make(tmp_path, "m.h5", "a/m.h5", "a/b/n.h5", "a/model.bin", "readme.md")

    assert expected == _paths(from_paths([pattern], tmp_path))
    absolute = from_paths([f"{tmp_path}/{pattern}"], tmp_path)
    assert expected == _paths(absolute)


def test_links_to_directories_are_named_not_followed(tmp_path: Path) -> None:
    _make(tmp_path, "far/m.h5", "near/n.h5")
    (tmp_path / "near/link").symlink_to(tmp_path / "far")

    selection = from_paths(["near"], tmp_path)

    assert ["near/n.h5"] == _paths(selection)
    assert ("Links to directories are not followed: near/link.",) == selection.notices


def test_a_directory_that_cannot_be_listed_is_a_gap(as_stranger: Path) -> None:
    _make(as_stranger, "m/shut/n.h5")
    (as_stranger / "m/shut").chmod(0)

    _make(as_stranger, "m/n.h5")

    selections = [from_paths([argument], as_stranger) for argument in ("m", "**/*.h5")]

    (as_stranger / "m/shut").chmod(0o700)
    for selection in selections:
        assert ["m/n.h5"] == _paths(selection)
        assert [("m/shut", "BD001")] == [(path, gap.rule) for path, gap in selection.gaps]


def test_a_dvc_file_stands_for_the_model_beside_it(tmp_path: Path, repo: Any) -> None:
    _make(tmp_path, "m/a.h5")
    (tmp_path / "m/a.h5.dvc").write_bytes(repo.dvc_file(b"x", "a.h5"))
    (tmp_path / "m/renamed.dvc").write_bytes(repo.dvc_file(b"y", "b.keras"))
    (tmp_path / "m/table.dvc").write_bytes(repo.dvc_file(b"z", "table.csv"))

    selection = from_paths(["m"], tmp_path)

    assert [("m/a.h5", "m/a.h5.dvc"), ("m/b.keras", "m/renamed.dvc")] == [
        (it.path, it.tracked and it.tracked.pointer) for it in selection.candidates
    ]
    assert ["m/table.csv"] == _paths(from_paths(["m/table.dvc"], tmp_path))


def test_two_dvc_files_that_claim_one_model_are_a_gap(tmp_path: Path, repo: Any) -> None:
    _make(tmp_path, "m.h5")
    (tmp_path / "m.h5.dvc").write_bytes(repo.dvc_file(b"pulled later", "m.h5"))
    (tmp_path / "z.dvc").write_bytes(repo.dvc_file(b"x", "m.h5"))

    selection = from_paths(["."], tmp_path)

    ((path, gap),) = selection.gaps
    assert ("m.h5", "BD001", ()) == (path, gap.rule, selection.candidates)
    assert "m.h5.dvc and z.dvc both claim this file" in gap.message


def test_a_dvc_file_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "bad.dvc").write_bytes(b"\xff")
    (tmp_path / "link.dvc").symlink_to("bad.dvc")

    gaps = from_paths(["."], tmp_path).gaps

    assert [("bad.dvc", "BD001"), ("link.dvc", "BD003")] == [(path, gap.rule) for path, gap in gaps]


def test_a_list_selects_models_and_counts_the_rest(tmp_path: Path) -> None:
    _make(tmp_path, "m.h5", "a/m m.keras", "readme.md", "sm/variables/variables.index")

    selection = from_list(b"m.h5\nreadme.md\ngone.md\na/m m.keras\nsm/variables/variables.index\n", tmp_path)

    assert ["a/m m.keras", "m.h5", "sm/saved_model.pb"] == _paths(selection)
    assert tmp_path / "sm/saved_model.pb" == selection.candidates[-1].file
    assert ("2 listed name(s) do not look like models.",) == selection.notices


def test_a_listed_model_that_is_not_here_is_a_gap(tmp_path: Path) -> None:
    selection = from_list(b"gone.h5\0" + b"n" * 300 + b".h5\0", tmp_path)

    assert ["gone.h5", "n" * 300 + ".h5"] == [path for path, _ in selection.gaps]
    assert {"BD001"} == {gap.rule for _, gap in selection.gaps}


def test_a_list_without_models_says_so(tmp_path: Path) -> None:
    assert ("The list names no model.",) == from_list(b"\n", tmp_path).notices


def test_a_name_in_another_encoding_is_found(tmp_path: Path) -> None:
    name = b"m\xf6del.h5"
    (tmp_path / os.fsdecode(name)).touch()

    assert [os.fsdecode(name)] == _paths(from_list(name, tmp_path))
