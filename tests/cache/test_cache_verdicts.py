from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.cache import entry, verdicts
from gate.cache.folder import Folder, Usage
from gate.cache.verdicts import VerdictCache
from gate.core.evidence import Evidence, Status
from gate.core.job import DataCall, DetectorCall, Job, Role
from gate.core.report import Gap
from gate.core.scan import Scan

MakeJob = Callable[..., Job]
MakeScan = Callable[..., Scan]
SECRET = b"s" * 32


def cache_in(tmp_path: Path, secret: bytes = SECRET) -> VerdictCache:
    return VerdictCache(tmp_path / "cache", secret)


def entry_in(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache" / "v1").glob("*/*")
    return file


def test_a_scan_comes_back_as_it_was_kept(tmp_path: Path, make_job: MakeJob, make_scan: MakeScan) -> None:
    job = make_job()
    cache_in(tmp_path).keep(job, make_scan(job))

    assert make_scan(job) == cache_in(tmp_path).find(job)
    assert None is cache_in(tmp_path).find(make_job(seed=1))


def test_a_scan_is_found_under_the_path_that_is_asked_for(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job = make_job()
    moved = make_job(artifact=dataclasses.replace(job.artifact, path="new.h5"))
    cache_in(tmp_path).keep(job, make_scan(job))

    found = cache_in(tmp_path).find(moved)

    assert found
    assert "new.h5" == found.artifact.path


@pytest.mark.parametrize(
    "lack",
    [
        {"gaps": (Gap(rule="BD004", message="It took too long."),)},
        {"evidence": (Evidence(detector="x", rule="r", status=Status.FAILED, reason="MemoryError"),)},
    ],
)
def test_what_another_try_might_measure_is_not_kept(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan, lack: dict[str, object]
) -> None:
    cache = cache_in(tmp_path)
    cache.keep(make_job(), make_scan(make_job(), **lack))

    assert None is cache.find(make_job())
    assert not (tmp_path / "cache").exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_entry_is_a_miss_and_a_notice(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan, data: st.DataObject
) -> None:
    job = make_job()
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    file = entry_in(tmp_path)
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1).filter(lambda place: place != 64))
    content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)

    assert None is cache.find(job)
    assert (
        "The verdict cache was not used for 1 model(s): the entry was changed, or sealed with another key "
        "(BACKDOOR_GATE_CACHE_KEY).",
    ) == cache.notices()


def test_an_entry_of_another_machine_is_not_trusted(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job = make_job()
    cache_in(tmp_path, b"another secret").keep(job, make_scan(job))
    cache = cache_in(tmp_path)

    assert None is cache.find(job)
    assert 1 == len(cache.notices())


def test_an_entry_does_not_answer_another_question(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job, other = make_job(), make_job(seed=1)
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    content = entry_in(tmp_path).read_bytes()
    entry_in(tmp_path).unlink()
    cache.keep(other, make_scan(other))
    entry_in(tmp_path).write_bytes(content)

    assert None is cache.find(other)


def large(content: bytes) -> bytes:
    return content.ljust(entry.LARGEST + 1)


def empty(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("change", [large, empty])
def test_an_entry_of_an_impossible_size_is_a_miss(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan, change: Callable[[bytes], bytes]
) -> None:
    job = make_job()
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    entry_in(tmp_path).write_bytes(change(entry_in(tmp_path).read_bytes()))

    assert None is cache.find(job)
    assert 1 == len(cache.notices())


def test_a_link_in_place_of_an_entry_is_not_followed(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job = make_job()
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    file = entry_in(tmp_path)
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")

    assert None is cache.find(job)
    assert "cannot be read" in cache.notices()[0]


@pytest.mark.parametrize(
    "sealed",
    [
        {"artifact": {"sha256": "00" * 32}},
        {"gaps": (Gap(rule="BD004", message="m"),)},
        {"evidence": (Evidence(detector="../x", rule="r", status=Status.SKIPPED, reason="r"),)},
    ],
)
def test_a_sealed_entry_still_has_to_answer_what_was_asked(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan, sealed: dict[str, object]
) -> None:
    job = make_job()
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    file = entry_in(tmp_path)
    changes = {
        name: dataclasses.replace(job.artifact, **value) if isinstance(value, dict) else value
        for name, value in sealed.items()
    }
    file.write_bytes(entry.seal(make_scan(job, **changes), file.name, SECRET))

    assert None is cache.find(job)
    assert "does not answer what was asked" in cache.notices()[0]


def test_a_sealed_entry_that_is_no_scan_is_a_miss(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job = make_job()
    cache = cache_in(tmp_path)
    cache.keep(job, make_scan(job))
    file = entry_in(tmp_path)
    file.write_bytes(entry.seal(job.artifact, file.name, SECRET))  # type: ignore[arg-type]

    assert None is cache.find(job)
    assert 1 == len(cache.notices())


def test_a_cache_that_cannot_be_written_is_a_notice(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    (tmp_path / "cache").write_text("no folder")
    cache = cache_in(tmp_path)
    cache.keep(make_job(), make_scan(make_job()))

    assert "cannot be written (Not a directory)" in cache.notices()[0]


def test_a_data_set_that_is_gone_is_a_miss(tmp_path: Path, make_job: MakeJob, make_scan: MakeScan) -> None:
    job = make_job(data=DataCall(path=str(tmp_path / "gone"), role=Role.TRAIN))
    cache = cache_in(tmp_path)

    assert None is cache.find(job)
    assert "cannot be read (No such file or directory)" in cache.notices()[0]


def test_a_scan_too_large_for_an_entry_is_not_kept(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan
) -> None:
    job = make_job(detectors=(DetectorCall(detector="d"),))
    reason = "x" * entry.LARGEST
    evidence = (Evidence(detector="d", rule="r", status=Status.SKIPPED, reason=reason),)
    cache_in(tmp_path).keep(job, make_scan(job, evidence=evidence))

    assert not (tmp_path / "cache").exists()


def test_the_least_used_entries_go_first(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    keys = [f"{i:064x}" for i in range(4)]
    for age, key in enumerate(keys):
        folder.write(key, b"x" * 10)
        os.utime(tmp_path / "v1" / "00" / key, (1000 - age, 1000 - age))
    (tmp_path / "v1" / "00" / "note.txt").write_text("not ours")
    folder.read(keys[3])

    assert Usage(entries=1, bytes=10) == folder.prune(1000, older_than=998.5)
    assert Usage(entries=1, bytes=10) == folder.prune(25)
    assert {keys[0], keys[3]} == set(folder.keys())
    assert Usage(entries=2, bytes=20) == folder.prune(-1)
    assert (tmp_path / "v1" / "00" / "note.txt").exists()


def test_a_cache_that_grew_too_large_is_pruned_when_the_run_ends(
    tmp_path: Path, make_job: MakeJob, make_scan: MakeScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "MAX_BYTES", 0)
    cache = cache_in(tmp_path)
    cache.close()
    cache.keep(make_job(), make_scan(make_job()))
    cache.close()

    assert [] == list(Folder(tmp_path / "cache").keys())


def test_what_failed_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    key = "0" * 64
    (tmp_path / "v1" / "00" / key / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        folder.write(key, b"x")
    assert [key] == [file.name for file in (tmp_path / "v1" / "00").iterdir()]
