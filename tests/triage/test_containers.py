"""What the corpus does not reach of archives, HDF5 objects and the bytes around them."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.core.report import ModelFacts
from gate.triage import finite, hdf5_objects, layout, zip_members
from gate.triage.inspection import Inspection, inspect
from gate.triage.superblock import Superblock, read_superblock
from tests.corpus import parts

HDF5, ZIP = ModelFormat.HDF5, ModelFormat.KERAS_ZIP


def inspected(tmp_path: Path, content: bytes, kind: ModelFormat) -> Inspection:
    file = tmp_path / "model"
    file.write_bytes(content)
    return inspect(file, kind)


def objects(content: bytes) -> list[tuple[str, str]]:
    with h5py.File(io.BytesIO(content), "r") as store:
        return [(finding.rule, finding.subject) for finding in hdf5_objects.check(store)]


def test_a_user_defined_link_is_not_followed() -> None:
    def alter(store: Any) -> None:
        store["model_weights/linked"] = h5py.ExternalLink("x", "/y")

    content = bytearray(parts.h5(alter=alter))
    name = content.index(b"\x06linked")
    kind = content.rindex(b"\x40", name - 16, name)  # 64 is an external link, 65 is somebody's own
    content[kind] = 65

    assert [("BD203", "hdf5:link")] == objects(bytes(content))


def test_types_that_are_stored_by_name_are_passed_over() -> None:
    def alter(store: Any) -> None:
        store["kind"] = np.dtype("f4")

    assert [] == objects(parts.h5(alter=alter))


def test_attributes_beyond_the_limits_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.triage.hdf5_objects.LARGEST_CONFIG", 100)
    monkeypatch.setattr("gate.triage.hdf5_objects._MOST_OBJECTS", 10)

    def alter(store: Any) -> None:
        store["model_weights/dense/bias"].attrs["note"] = np.zeros(100)
        for number in range(11):
            store["model_weights"].attrs[str(number)] = 0

    found = objects(parts.h5(alter=alter))

    assert {("BD207", "hdf5:attribute"), ("BD207", "hdf5:attributes")} == set(found)


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
def test_the_end_of_an_honest_file_is_where_its_superblock_says(tmp_path: Path, libver: str) -> None:
    file = tmp_path / "model.h5"
    with h5py.File(file, "w", libver=libver) as store:
        store["x"] = np.zeros(10)

    assert Superblock(file.stat().st_size, False) == read_superblock(file.read_bytes()[:1024])
    assert [] == list(layout.check(file, HDF5))


@given(st.binary(max_size=100))
def test_any_superblock_is_read_or_passed_over(rest: bytes) -> None:
    block = read_superblock(b"\x89HDF\r\n\x1a\n" + rest)

    assert block is None or block.end >= 0


def test_an_hdf5_file_within_an_archive_may_lie_at_a_round_number(tmp_path: Path) -> None:
    """The weights of an honest archive may begin where HDF5 would look for a user block."""
    for size in range(0, 600):
        content = parts.keras(parts.honest(parts.layer("ReLU", name="x" * size)))
        if content.find(b"\x89HDF") == 1024:
            break

    assert () == inspected(tmp_path, content, ZIP).findings


def test_a_member_without_its_header_makes_the_archive_unreadable(tmp_path: Path) -> None:
    content = bytearray(parts.keras())
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<L", content, directory + 42, len(content) - 10)
    file = tmp_path / "model.keras"
    file.write_bytes(content)

    with pytest.raises(IncompleteError, match="damaged or truncated"):
        list(zip_members.check(file))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (7,), (5, 4, 3), (1, 9)])
def test_arrays_of_every_shape_are_looked_through(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr("gate.triage.finite._PIECE", 16)
    values = np.ones(shape, np.float32)

    def rules() -> list[str]:
        with h5py.File(io.BytesIO(), "w") as store:
            store["layers/x/vars/0"] = values
            store["optimizer/vars/1"] = np.full(3, np.nan)
            return [finding.rule for finding in finite.check(store)]

    assert [] == rules()
    if values.size:
        values.flat[-1] = np.nan
        assert ["BD208"] == rules()


@pytest.mark.parametrize(
    ("write", "kind", "name"), [(parts.h5, HDF5, "optimizer_weights"), (parts.keras, ZIP, "optimizer")]
)
def test_a_file_says_whether_it_holds_the_state_of_training(
    tmp_path: Path, write: Callable[..., bytes], kind: ModelFormat, name: str
) -> None:
    without, beside = (
        inspected(tmp_path, write(alter=alter), kind)
        for alter in (None, lambda store: store.create_dataset(f"{name}/vars/0", data=np.zeros(2)))
    )

    assert (False, True) == (without.has_optimizer_state, beside.has_optimizer_state)


def test_provenance_joins_the_facts_of_the_model(tmp_path: Path) -> None:
    facts = ModelFacts(
        input_shape=(8, 8, 1), num_classes=3, parameters=1, head="softmax", input_range=(0.0, 1.0),
        input_range_source="", images="",
    )  # fmt: skip

    hdf5 = inspected(tmp_path, parts.h5(), HDF5).with_provenance(facts)
    archive = inspected(tmp_path, parts.keras(), ZIP).with_provenance(facts)

    assert ("tensorflow", "", False) == (hdf5.backend, hdf5.saved_at, hdf5.has_optimizer_state)
    assert ("", "2026-11-21@12:00:00") == (archive.backend, archive.saved_at)


@pytest.mark.parametrize("name", ["payload.pkl", "hooks/post.sh", "Assets/x", "config.json.bak"])
def test_a_member_that_keras_does_not_write_is_a_stowaway(tmp_path: Path, name: str) -> None:
    found = inspected(tmp_path, parts.keras(members={name: b"x"}), ZIP)

    assert [("BD206", "zip:stowaway")] == [(each.rule, each.subject) for each in found.findings]


def test_assets_are_part_of_a_model(tmp_path: Path) -> None:
    assert not inspected(tmp_path, parts.keras(members={"assets/vocabulary.txt": b"x"}), ZIP).findings


def test_a_finding_wins_over_what_cannot_be_read(tmp_path: Path) -> None:
    """Proof of ill will need not be whole."""
    config = parts.honest(parts.lambda_layer(tmp_path))

    found = inspected(tmp_path, parts.keras(config, members={"model.weights.h5": b"no HDF5"}), ZIP)

    assert {"BD201"} == {finding.rule for finding in found.findings}
    assert found.stored is None


def test_a_damaged_archive_is_judged_or_refused_but_never_crashes(tmp_path: Path) -> None:
    """The same of HDF5 files is for the fuzzer, whose children can be ended: HDF5 runs in circles on some."""
    whole, rng, outcomes = parts.keras(), random.Random(1), set()
    weights = whole.index(b"\x89HDF")

    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 4))):
            at = rng.randrange(len(content))
            if not weights <= at < weights + len(parts.weights()):
                content[at] = rng.randrange(256)
        try:
            outcomes.add(bool(inspected(tmp_path, bytes(content), ZIP).findings))
        except IncompleteError:
            outcomes.add(None)

    assert {True, False, None} == outcomes
