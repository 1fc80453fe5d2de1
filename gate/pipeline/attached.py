"""Files that parameters of detectors name: the gate reads them, for the process that scans cannot."""

from __future__ import annotations

import json
from pathlib import Path

from gate.core.errors import UsageError
from gate.core.text import printable
from gate.policy.model import DetectorPolicy

_META = ("meta-neural-analysis", "model")


def parameters(detector: DetectorPolicy, root: Path) -> str:
    """Return a detector's parameters as JSON; for the name of a meta-model's file, what is in it.

    So the cache of verdicts notices that the file has changed.

    Args:
        detector: As the policy has it.
        root: Folder that relative names start from.

    Raises:
        UsageError: The file is not there, or holds no meta-model.
    """
    given = dict(detector.parameters)
    name = given.get(_META[1])
    if detector.id == _META[0] and isinstance(name, str) and name:
        given[_META[1]] = _meta_model(name, root)
    return json.dumps(given)


def _meta_model(name: str, root: Path) -> str:
    from gate.detectors._meta_model import LARGEST_FILE, parse

    try:
        with (root / name).open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(
            f"{printable(name)}: the meta-model cannot be read: {error.strerror}.",
            hint="Name the meta.json that `backdoor-gate meta train` wrote.",
        ) from error
    return parse(content[:LARGEST_FILE].decode("utf-8", "replace"), name).dump()
