"""A real git repository in a temporary directory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_CONFIG = """
[user]
name = T
email = t@example.org
[init]
defaultBranch = main
[protocol "file"]
allow = always
"""


@dataclass(frozen=True)
class Repo:
    """A repository, and the pointers that large-file tools leave in one."""

    top: Path
    environ: dict[str, str]

    def git(self, *arguments: str, check: bool = True) -> str:
        result = subprocess.run(
            ("git", *arguments), cwd=self.top, env=self.environ, check=check, capture_output=True, text=True
        )
        return result.stdout

    def write(self, path: str, content: bytes) -> Path:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD").strip()

    def keep_lfs_object(self, content: bytes) -> Path:
        oid = hashlib.sha256(content).hexdigest()
        return self.write(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", content)

    @staticmethod
    def lfs_pointer(content: bytes) -> bytes:
        oid = hashlib.sha256(content).hexdigest()
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
        return text.encode()

    @staticmethod
    def dvc_file(content: bytes, name: str) -> bytes:
        md5 = hashlib.md5(content).hexdigest()
        return f"outs:\n- md5: '{md5}'\n  size: {len(content)}\n  hash: md5\n  path: {name}\n".encode()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    config = tmp_path / "gitconfig"
    config.write_text(_CONFIG)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    made = Repo(top=tmp_path.resolve() / "repo", environ=environ)
    made.top.mkdir()
    made.git("init", "-q")
    return made


@pytest.fixture
def as_stranger() -> Iterator[Path]:
    """Give a directory that anybody may enter, while the test is nobody in particular: root may read all."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)
