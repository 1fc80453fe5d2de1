from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gate.cli.registry import known_detectors
from gate.policy.loader import builtin_directory, load
from gate.policy.model import Policy

Load = Callable[..., Policy]


@pytest.fixture
def known() -> Mapping[str, Mapping[str, type]]:
    return known_detectors()


@pytest.fixture
def load_files(tmp_path: Path, known: Mapping[str, Mapping[str, type]]) -> Load:
    """Write files below the root and load the first of them, or what `source` names."""

    def write_and_load(files: Mapping[str, str | bytes] | str, source: str | None = "ci.yaml") -> Policy:
        for name, content in ({"ci.yaml": files} if isinstance(files, str) else files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(source, known, builtin_directory(), tmp_path)

    return write_and_load
