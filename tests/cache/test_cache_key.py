from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.cache import engine
from gate.cache.key import data_sha256, key_of
from gate.core.artifact import Artifact, ModelFormat
from gate.core.job import BaseCall, DataCall, DetectorCall, Job, Role

MakeJob = Callable[..., Job]

# Another value for every field of a job. A field that is added to Job has to be added here.
OTHERS = {
    "profile": "full",
    "seed": 1,
    "detectors": (DetectorCall(detector="neural-cleanse", parameters='{"steps": 9}'),),
    "input_range": (0.0, 255.0),
    "input_range_source": "option",
    "data": DataCall(path="d", role=Role.TRAIN),
    "memory_mb": 1,
    "seconds": 1.0,
    "budget": 5.0,
    "base": BaseCall(file="f", sha256="ab" * 32, format=ModelFormat.HDF5),
    "require_sandbox": True,
    "threads": 1,
    "artifact": Artifact(path="m.h5", sha256="cd" * 32, size=9, format=ModelFormat.HDF5),
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Job)])
def test_all_of_a_job_is_in_its_key_but_its_nonce_place_threads_and_budget(
    make_job: MakeJob, field: str
) -> None:
    is_beside_the_point = field in ("nonce", "file", "threads", "budget")
    other = make_job(**{field: OTHERS.get(field, "elsewhere")})

    assert is_beside_the_point == (key_of(make_job(), "e", "") == key_of(other, "e", ""))


def test_the_base_is_known_by_its_content(make_job: MakeJob) -> None:
    base = BaseCall(file="f", sha256="ab" * 32, format=ModelFormat.HDF5)
    moved, other = dataclasses.replace(base, file="g"), dataclasses.replace(base, sha256="cd" * 32)

    keys = [key_of(make_job(base=each), "e", "") for each in (base, moved, other)]

    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_a_model_is_known_under_another_path(make_job: MakeJob) -> None:
    job = make_job()
    moved = make_job(artifact=dataclasses.replace(job.artifact, path="elsewhere/n.h5"))

    assert key_of(job, "e", "") == key_of(moved, "e", "")


@pytest.mark.parametrize("change", [{"size": 8}, {"format": ModelFormat.KERAS_ZIP}, {"sha256": "00" * 32}])
def test_another_file_has_another_key(make_job: MakeJob, change: dict[str, object]) -> None:
    job = make_job()
    other = make_job(artifact=dataclasses.replace(job.artifact, **change))  # type: ignore[arg-type]

    assert key_of(job, "e", "") != key_of(other, "e", "")


def test_the_engine_and_the_data_are_in_the_key(make_job: MakeJob) -> None:
    job = make_job(data=DataCall(path="a", role=Role.CLEAN))
    moved = make_job(data=DataCall(path="b", role=Role.CLEAN))

    assert key_of(job, "e", "1") == key_of(moved, "e", "1")
    assert 3 == len({key_of(job, "e", "1"), key_of(job, "f", "1"), key_of(job, "e", "2")})


def test_a_data_set_is_known_by_its_names_and_contents(tmp_path: Path) -> None:
    one = tmp_path / "one"
    (one / "0").mkdir(parents=True)
    (one / "0" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    first = data_sha256(str(one))
    moved = data_sha256(str(one.rename(tmp_path / "two")))
    (tmp_path / "two" / "0").rename(tmp_path / "two" / "1")
    renamed = data_sha256(str(tmp_path / "two"))
    (tmp_path / "two" / "1" / "b.png").write_bytes(b"y")

    assert first == moved
    assert 3 == len({first, renamed, data_sha256(str(tmp_path / "two"))})
    assert data_sha256(str(tmp_path / "two" / "1" / "b.png")) not in (first, renamed)


@pytest.mark.parametrize("place", ["0.png", "sub/1.png", "sub\\1.png"])
def test_a_list_is_known_by_the_pictures_that_it_names(tmp_path: Path, place: str) -> None:
    table, file = tmp_path / "list.csv", tmp_path / place.replace("\\", "/")
    file.parent.mkdir(exist_ok=True)
    table.write_text(f"file,label\n {place} ,0\ngone.png,1\n../x.png,1\n/etc/hosts,1\n")
    file.write_bytes(b"x")
    first = data_sha256(str(table))
    (tmp_path / "not-named.png").write_bytes(b"z")
    unchanged = data_sha256(str(table))
    file.write_bytes(b"y")

    assert first == unchanged
    assert first != data_sha256(str(table))


def test_a_list_that_is_none_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"file\n\xff\0")

    assert data_sha256(str(tmp_path / "list.csv")) != data_sha256(__file__)


def test_a_data_set_with_a_linked_folder_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "0").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="a folder is a link"):
        data_sha256(str(tmp_path / "set"))


def test_a_data_set_that_is_not_there_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        data_sha256(str(tmp_path / "gone"))


def test_every_file_of_the_gate_is_in_the_engines_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = engine.source_sha256(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
    second = engine.source_sha256(tmp_path)
    (tmp_path / "a.py").write_text("2")

    assert first == second
    assert first != engine.source_sha256(tmp_path)
    assert engine.fingerprint() == engine.fingerprint()
