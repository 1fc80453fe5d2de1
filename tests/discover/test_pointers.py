from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.errors import IncompleteError
from gate.discover.pointers import (
    DVC_MAX_BYTES,
    LFS_MAX_BYTES,
    LfsPointer,
    dvc_gap,
    lfs_gap,
    parse_dvc,
    parse_lfs,
)

_OID = "0123456789abcdef" * 4
_V1 = b"version https://git-lfs.github.com/spec/v1\n"


@pytest.mark.parametrize("version", [_V1, b"version https://hawser.github.com/spec/v1\n", _V1[:-1] + b"\r\n"])
def test_every_version_of_the_pointer_is_recognised(version: bytes) -> None:
    source = version + f"ext-0-x sha256:{'f' * 64}\noid sha256:{_OID}\nsize 12\n".encode()

    assert LfsPointer(oid=_OID, size=12) == parse_lfs(source)


@pytest.mark.parametrize(
    "rest", [b"", b"oid sha256:12\nsize 3\n", b"oid sha256:" + b"0" * 64 + b"\nsize -1\n"]
)
def test_a_damaged_pointer_is_still_a_pointer(rest: bytes) -> None:
    pointer = parse_lfs(_V1 + rest)

    assert LfsPointer(oid="", size=0) == pointer
    assert "damaged Git LFS pointer" in lfs_gap("m.h5", pointer).message


@pytest.mark.parametrize("source", [b"", b" " + _V1, _V1 + b"x" * LFS_MAX_BYTES])
def test_other_content_is_no_pointer(source: bytes) -> None:
    assert parse_lfs(source) is None


def test_the_gap_of_a_pointer_names_object_and_command() -> None:
    gap = lfs_gap("a b/$(m).h5", LfsPointer(oid=_OID, size=12))

    assert "BD002" == gap.rule
    assert f"oid sha256:{_OID}, 12 bytes" in gap.message
    assert "`git lfs pull --include 'a b/$(m).h5'`" in gap.message


def test_a_dvc_file_names_its_outputs() -> None:
    source = (
        b"wdir: ../out\nouts:\n- md5: 0a\n  path: m.h5\n- path: s3://bucket/n.h5\n- {md5: 1b.dir, path: d}\n"
    )

    outputs = parse_dvc(source, "x.dvc")

    assert [("../out/m.h5", "0a"), ("../out/s3://bucket/n.h5", ""), ("../out/d", "1b.dir")] == [
        (output.path, output.md5) for output in outputs
    ]
    assert [False, False, True] == [output.is_directory for output in outputs]
    assert {(hashlib.sha256(source).hexdigest(), len(source))} == {
        (output.pointer_sha256, output.pointer_size) for output in outputs
    }


def test_the_gap_of_a_dvc_file_names_digest_and_command() -> None:
    stated, silent = parse_dvc(b"outs: [{path: m.h5, md5: 0a}, {path: n.h5}]", "-x/m.h5.dvc")

    assert "(md5 0a)" in dvc_gap("m.h5", stated).message
    assert "`dvc pull ./-x/m.h5.dvc`" in dvc_gap("m.h5", stated).message
    assert "(md5 not stated)" in dvc_gap("n.h5", silent).message


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"- 1",
        b"outs: {path: m.h5}",
        b"outs: [m.h5]",
        b"outs: [{md5: a}]",
        b"a: [",
        b"a: 2001-99-99",
        b"\xff",
        b"[" * 20_000,
        b"#" * (DVC_MAX_BYTES + 1),
        b"outs: [{path: !!python/object/apply:os.system [id]}]",
    ],
)
def test_what_dvc_would_not_write_is_refused(source: bytes) -> None:
    with pytest.raises(IncompleteError, match=r"m\.h5\.dvc: cannot be read as a DVC file") as caught:
        parse_dvc(source, "m.h5.dvc")

    assert "BD001" == caught.value.rule


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_readers(source: bytes) -> None:
    parse_lfs(_V1 + source)
    with suppress(IncompleteError):
        parse_dvc(b"outs:\n" + source, "m.dvc")


def test_pointers_that_tools_write_are_recognised(repo: Any) -> None:
    content = b"model"

    assert LfsPointer(oid=hashlib.sha256(content).hexdigest(), size=5) == parse_lfs(repo.lfs_pointer(content))
    assert hashlib.md5(content).hexdigest() == parse_dvc(repo.dvc_file(content, "m.h5"), "m.h5.dvc")[0].md5
