from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gate.policy.loader import builtin_directory, load
from gate.policy.model import Policy

Load = Callable[..., Policy]


@pytest.fixture
def known() -> Mapping[str, Mapping[str, type]]:
    return {
        "neural-cleanse": {"restarts": int, "steps": int, "images": int},
        "universal-patch": {},
        "universal-perturbation": {},
        "maximum-margin": {},
        "head-weights": {},
        "spatial-influence": {"images": int},
        "class-permutation": {},
        "hand-made-logic": {},
        "dormant-capacity": {"units": int, "steps": int},
        "gated-patch": {"images": int, "places": int, "rounds": int},
        "meta-neural-analysis": {"model": str},
        "activation-clustering": {"components": int},
        "spectral-signatures": {"layer": str},
        "strip": {"images": int, "overlays": int},
    }


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
