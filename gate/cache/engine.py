"""What measures: a digest that changes with every version of the gate and of the libraries that it computes with."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

import gate

_LIBRARIES = (
    *("tensorflow", "tensorflow-cpu", "keras", "numpy", "h5py", "pillow", "scikit-learn", "scipy", "joblib"),
)
# Policies judge, they do not measure; compiled files follow from the source.
_BESIDE_THE_POINT = frozenset({"__pycache__", "policies"})


def fingerprint() -> str:
    """Return the engine's digest, 64 hex digits; none of the libraries is imported for it."""
    root = Path(gate.__file__).parent
    parts = {
        "gate": gate.__version__,
        "source": source_sha256(root),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def source_sha256(root: Path) -> str:
    """Return the digest of every file below a package, by name and content."""
    whole = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        place = file.relative_to(root)
        if _BESIDE_THE_POINT.isdisjoint(place.parts):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            whole.update(f"{content} {place.as_posix()}\n".encode())
    return whole.hexdigest()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
